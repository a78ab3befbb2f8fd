/*
effect: write
takes: {email: customer, code: coupon}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE email = :email)
  error: There is no customer with this email address.
- holds: EXISTS (SELECT 1 FROM cart_items WHERE email = :email)
  error: The cart is empty.
  mended_by: add_to_cart
- holds: EXISTS (SELECT 1 FROM coupons WHERE code = :code)
  error: There is no coupon with this code.
- holds: NOT EXISTS (SELECT 1 FROM cart_coupons WHERE email = :email)
  error: The cart has a coupon already.
  mended_by: remove_coupon
- holds: (SELECT valid_until >= today() FROM coupons WHERE code = :code)
  error: The coupon has expired.
  mended_by: extend_coupon
- holds: >-
    NOT COALESCE((SELECT SUM(quantity * price) FROM cart_items JOIN products USING (product_id) WHERE email = :email)
    < (SELECT min_total FROM coupons WHERE code = :code), 0)
  error: The cart is below the minimum of this coupon.
*/
INSERT INTO cart_coupons (email, code) VALUES (:email, :code);
SELECT code, amount_off,
       round((SELECT SUM(quantity * price) FROM cart_items JOIN products USING (product_id) WHERE email = :email), 2) AS subtotal
FROM coupons
WHERE code = :code;
