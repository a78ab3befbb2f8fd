/*
effect: write
takes: {code: coupon}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM coupons WHERE code = :code)
  error: There is no coupon with this code.
*/
UPDATE coupons
SET valid_until = date(max(valid_until, today()), '+' || COALESCE(:days, 14) || ' days')
WHERE code = :code;
SELECT code, amount_off, min_total, valid_until FROM coupons WHERE code = :code;
