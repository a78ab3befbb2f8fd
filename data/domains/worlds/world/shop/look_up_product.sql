/*
takes: {name: product_name}
gives: {product_id: product}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM products WHERE name = :name)
  error: There is no product of this name.
*/
SELECT product_id, name, category, price, rating, stock FROM products WHERE name = :name;
