/*
takes: {email: customer}
gives: {order_id: order}
returns: orders
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE email = :email)
  error: There is no customer with this email address.
*/
SELECT order_id, placed_on, status, shipping, total, delivered_on
FROM orders
WHERE email = :email AND (:status IS NULL OR status = :status)
ORDER BY placed_on DESC, order_id DESC
LIMIT 20;
