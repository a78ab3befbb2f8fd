/*
takes: {customer_id: sender}
gives: {pickup_id: pickup}
returns: pickups
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE customer_id = :customer_id)
  error: There is no customer with this number.
*/
SELECT pickup_id, tracking_number, recipient, destination, day, pickups.time_window
FROM pickups JOIN shipments USING (tracking_number)
WHERE customer_id = :customer_id AND is_canceled = 0
ORDER BY day, pickup_id
LIMIT 20;
