/*
takes: {customer_id: sender}
gives: {tracking_number: parcel}
returns: shipments
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE customer_id = :customer_id)
  error: There is no customer with this number.
*/
SELECT tracking_number, recipient, destination, weight_kg, price, status, deliver_on
FROM shipments
WHERE customer_id = :customer_id AND (:status IS NULL OR status = :status)
ORDER BY deliver_on, tracking_number
LIMIT 20;
