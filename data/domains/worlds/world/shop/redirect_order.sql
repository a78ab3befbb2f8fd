/*
effect: write
takes: {order_id: order}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM orders WHERE order_id = :order_id)
  error: There is no order with this number.
- holds: (SELECT status IN ('placed', 'shipped') FROM orders WHERE order_id = :order_id)
  error: The order is not on its way.
- holds: EXISTS (SELECT 1 FROM orders JOIN addresses USING (email) WHERE order_id = :order_id AND label = :label)
  error: The customer has no address with this label.
- holds: >-
    NOT EXISTS (SELECT 1 FROM orders JOIN addresses USING (email, street, city) WHERE order_id = :order_id AND label = :label)
  error: The order goes to this address already.
*/
UPDATE orders
SET (street, city) = (SELECT street, city FROM addresses WHERE addresses.email = orders.email AND label = :label)
WHERE order_id = :order_id;
SELECT order_id, status, street, city FROM orders WHERE order_id = :order_id;
