/*
effect: write
takes: {customer_id: sender}
gives: {tracking_number: parcel}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE customer_id = :customer_id)
  error: There is no customer with this number.
*/
INSERT INTO shipments (tracking_number, customer_id, recipient, destination, weight_kg, service, price, insured_for,
                       has_label, status, deliver_on, time_window)
SELECT 'PX' || (MAX(CAST(substr(tracking_number, 3) AS INTEGER)) + 1), :customer_id, :recipient, :destination, :weight_kg,
       COALESCE(:service, 'standard'),
       round(CASE COALESCE(:service, 'standard') WHEN 'standard' THEN 4.9 WHEN 'express' THEN 9.9 ELSE 16.9 END + 0.8 * :weight_kg, 2),
       0, 0, 'registered',
       date(today(), CASE COALESCE(:service, 'standard') WHEN 'standard' THEN '+4 days' WHEN 'express' THEN '+2 days' ELSE '+1 day' END),
       'afternoon'
FROM shipments;
SELECT tracking_number, recipient, destination, service, price, deliver_on
FROM shipments
WHERE rowid = last_insert_rowid();
