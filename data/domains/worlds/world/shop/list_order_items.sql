/*
takes: {order_id: order}
gives: {item_id: order_item, product_id: product}
returns: items
requires:
- holds: EXISTS (SELECT 1 FROM orders WHERE order_id = :order_id)
  error: There is no order with this number.
*/
SELECT item_id, product_id, name AS product, quantity, unit_price
FROM order_items JOIN products USING (product_id)
WHERE order_id = :order_id
ORDER BY item_id
LIMIT 20;
