/*
gives: {product_id: product}
returns: products
*/
SELECT product_id, name, price, rating, stock
FROM products
WHERE category = :category AND (:max_price IS NULL OR price <= :max_price) AND (NOT COALESCE(:in_stock, 0) OR stock > 0)
ORDER BY price, product_id
LIMIT 20;
