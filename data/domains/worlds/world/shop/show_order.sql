/*
takes: {order_id: order}
gives: {email: customer}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM orders WHERE order_id = :order_id)
  error: There is no order with this number.
*/
SELECT order_id, email, placed_on, status, shipping, total, street, city, delivered_on, gift_note
FROM orders
WHERE order_id = :order_id;
