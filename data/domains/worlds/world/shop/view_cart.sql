/*
takes: {email: customer}
gives: {cart_item_id: cart_item, product_id: product}
returns: items
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE email = :email)
  error: There is no customer with this email address.
*/
SELECT cart_item_id, product_id, name AS product, quantity, price AS unit_price
FROM cart_items JOIN products USING (product_id)
WHERE email = :email
ORDER BY cart_item_id
LIMIT 20;
