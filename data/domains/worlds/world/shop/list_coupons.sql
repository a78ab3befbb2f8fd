/*
gives: {code: coupon}
returns: coupons
*/
SELECT code, amount_off, min_total, valid_until
FROM coupons
WHERE valid_until >= today() AND (:cart_total IS NULL OR min_total <= :cart_total)
ORDER BY valid_until, code
LIMIT 20;
