/*
effect: write
takes: {email: customer, product_id: product}
gives: {cart_item_id: cart_item}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE email = :email)
  error: There is no customer with this email address.
- holds: EXISTS (SELECT 1 FROM products WHERE product_id = :product_id)
  error: There is no product with this number.
- holds: (SELECT stock > 0 FROM products WHERE product_id = :product_id)
  error: The product is sold out.
- holds: >-
    (SELECT stock FROM products WHERE product_id = :product_id) >= COALESCE(:quantity, 1)
    + COALESCE((SELECT quantity FROM cart_items WHERE email = :email AND product_id = :product_id), 0)
  error: There is not enough of this product in stock.
*/
INSERT INTO cart_items (email, product_id, quantity)
VALUES (:email, :product_id, COALESCE(:quantity, 1))
ON CONFLICT (email, product_id) DO UPDATE SET quantity = quantity + excluded.quantity;
SELECT cart_item_id, name AS product, quantity, price AS unit_price
FROM cart_items JOIN products USING (product_id)
WHERE email = :email AND product_id = :product_id;
