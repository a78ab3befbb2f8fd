/*
effect: write
takes: {email: customer}
gives: {order_id: order}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE email = :email)
  error: There is no customer with this email address.
- holds: EXISTS (SELECT 1 FROM cart_items WHERE email = :email)
  error: The cart is empty.
  mended_by: add_to_cart
- holds: EXISTS (SELECT 1 FROM addresses WHERE email = :email)
  error: The customer has no address.
  mended_by: add_address
- holds: NOT EXISTS (SELECT 1 FROM cart_items JOIN products USING (product_id) WHERE email = :email AND stock < quantity)
  error: There is not enough of a product in stock.
*/
INSERT INTO orders (order_id, email, placed_on, shipping, status, street, city, total, gift_note)
SELECT (SELECT COALESCE(MAX(order_id), 1000) + 1 FROM orders), :email, today(), COALESCE(:shipping, 'standard'), 'placed', street, city,
       round(max(0, (SELECT SUM(quantity * price) FROM cart_items JOIN products USING (product_id) WHERE cart_items.email = :email)
                    - COALESCE((SELECT amount_off FROM cart_coupons JOIN coupons USING (code) WHERE cart_coupons.email = :email), 0))
             + CASE COALESCE(:shipping, 'standard') WHEN 'standard' THEN 4.9 WHEN 'express' THEN 9.9 ELSE 19.9 END, 2),
       :gift_note
FROM addresses
WHERE email = :email AND is_default;
INSERT INTO order_items (item_id, order_id, product_id, quantity, unit_price)
SELECT (SELECT COALESCE(MAX(item_id), 1000) FROM order_items) + row_number() OVER (ORDER BY cart_item_id),
       (SELECT MAX(order_id) FROM orders), product_id, quantity, price
FROM cart_items JOIN products USING (product_id)
WHERE email = :email;
UPDATE products
SET stock = stock - (SELECT quantity FROM cart_items WHERE email = :email AND cart_items.product_id = products.product_id)
WHERE product_id IN (SELECT product_id FROM cart_items WHERE email = :email);
DELETE FROM cart_items WHERE email = :email;
DELETE FROM cart_coupons WHERE email = :email;
SELECT order_id, shipping, total, street, city FROM orders WHERE order_id = (SELECT MAX(order_id) FROM orders);
