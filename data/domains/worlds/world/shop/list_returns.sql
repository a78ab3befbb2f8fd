/*
takes: {email: customer}
gives: {return_id: return}
returns: returns
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE email = :email)
  error: There is no customer with this email address.
*/
SELECT return_id, order_id, name AS product, reason, returns.status, amount, opened_on
FROM returns JOIN order_items USING (item_id) JOIN products USING (product_id) JOIN orders USING (order_id)
WHERE email = :email AND (NOT COALESCE(:open_only, 0) OR returns.status <> 'refunded')
ORDER BY opened_on DESC, return_id
LIMIT 20;
