/*
effect: write
takes: {order_id: order}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM orders WHERE order_id = :order_id)
  error: There is no order with this number.
- holds: (SELECT status <> 'canceled' FROM orders WHERE order_id = :order_id)
  error: The order is canceled already.
- holds: (SELECT status = 'placed' FROM orders WHERE order_id = :order_id)
  error: The order has left the warehouse.
*/
UPDATE products
SET stock = stock + (SELECT SUM(quantity) FROM order_items WHERE order_id = :order_id AND order_items.product_id = products.product_id)
WHERE product_id IN (SELECT product_id FROM order_items WHERE order_id = :order_id);
UPDATE orders SET status = 'canceled', cancel_reason = COALESCE(:reason, 'changed_mind') WHERE order_id = :order_id;
SELECT order_id, status, total AS refund FROM orders WHERE order_id = :order_id;
