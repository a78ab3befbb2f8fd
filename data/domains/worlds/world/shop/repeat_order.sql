/*
effect: write
takes: {order_id: order}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM orders WHERE order_id = :order_id)
  error: There is no order with this number.
- holds: >-
    NOT EXISTS (SELECT 1 FROM order_items JOIN orders USING (order_id) JOIN products USING (product_id)
    WHERE order_id = :order_id AND stock < order_items.quantity + COALESCE((SELECT cart_items.quantity FROM cart_items
    WHERE cart_items.email = orders.email AND cart_items.product_id = products.product_id), 0))
  error: There is not enough of a product in stock.
*/
INSERT INTO cart_items (email, product_id, quantity)
SELECT email, product_id, quantity
FROM order_items JOIN orders USING (order_id)
WHERE order_id = :order_id
ORDER BY item_id
ON CONFLICT (email, product_id) DO UPDATE SET quantity = quantity + excluded.quantity;
SELECT email, COUNT(*) AS products_in_cart, round(SUM(quantity * price), 2) AS cart_total
FROM cart_items JOIN products USING (product_id)
WHERE email = (SELECT email FROM orders WHERE order_id = :order_id)
GROUP BY email;
