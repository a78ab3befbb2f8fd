/*
effect: write
takes: {email: customer}
gives: {code: coupon}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE email = :email)
  error: There is no customer with this email address.
- holds: (SELECT points >= 100 FROM customers WHERE email = :email)
  error: The customer has fewer than 100 points.
*/
INSERT INTO coupons (code, amount_off, min_total, valid_until)
SELECT 'POINTS' || (1000 + number * 20 + (SELECT COUNT(*) FROM coupons)), points / 20, points / 20, date(today(), '+90 days')
FROM customers
WHERE email = :email;
UPDATE customers SET points = points % 20 WHERE email = :email;
SELECT code, amount_off, min_total, valid_until FROM coupons WHERE rowid = last_insert_rowid();
