/*
effect: write
takes: {email: customer}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE email = :email)
  error: There is no customer with this email address.
- holds: EXISTS (SELECT 1 FROM cart_coupons WHERE email = :email)
  error: The cart has no coupon.
*/
DELETE FROM cart_coupons WHERE email = :email RETURNING email, code;
