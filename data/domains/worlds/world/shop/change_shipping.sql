/*
effect: write
takes: {order_id: order}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM orders WHERE order_id = :order_id)
  error: There is no order with this number.
- holds: (SELECT status = 'placed' FROM orders WHERE order_id = :order_id)
  error: Only an order that has not been shipped can be changed.
- holds: (SELECT shipping <> :shipping FROM orders WHERE order_id = :order_id)
  error: The order has this shipping already.
*/
UPDATE orders
SET total = round(total - CASE shipping WHEN 'standard' THEN 4.9 WHEN 'express' THEN 9.9 ELSE 19.9 END
                  + CASE :shipping WHEN 'standard' THEN 4.9 WHEN 'express' THEN 9.9 ELSE 19.9 END, 2),
    shipping = :shipping
WHERE order_id = :order_id;
SELECT order_id, shipping, total FROM orders WHERE order_id = :order_id;
