/*
effect: write
takes: {tracking_number: parcel}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
- holds: (SELECT status <> 'delivered' FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is delivered already.
- holds: (SELECT status = 'out_for_delivery' FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is not out for delivery.
*/
UPDATE shipments SET status = 'delivered', deliver_on = today() WHERE tracking_number = :tracking_number;
INSERT INTO scans (tracking_number, day, what) VALUES (:tracking_number, today(), 'delivered');
SELECT tracking_number, status, recipient, COALESCE(:left_with, 'recipient') AS left_with
FROM shipments
WHERE tracking_number = :tracking_number;
