/*
effect: write
takes: {item_id: order_item}
gives: {return_id: return}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM order_items WHERE item_id = :item_id)
  error: There is no order item with this number.
- holds: (SELECT status = 'delivered' FROM order_items JOIN orders USING (order_id) WHERE item_id = :item_id)
  error: The order has not been delivered.
- holds: (SELECT date(delivered_on, '+30 days') >= today() FROM order_items JOIN orders USING (order_id) WHERE item_id = :item_id)
  error: The 30 days for a return are over.
- holds: NOT EXISTS (SELECT 1 FROM returns WHERE item_id = :item_id)
  error: There is a return for this item already.
- holds: (SELECT COALESCE(:quantity, 1) <= quantity FROM order_items WHERE item_id = :item_id)
  error: The order has fewer pieces of this item.
*/
INSERT INTO returns (item_id, quantity, reason, status, opened_on, amount)
SELECT item_id, COALESCE(:quantity, 1), :reason, 'requested', today(), round(COALESCE(:quantity, 1) * unit_price, 2)
FROM order_items
WHERE item_id = :item_id;
SELECT return_id, name AS product, returns.quantity, reason, amount, status
FROM returns JOIN order_items USING (item_id) JOIN products USING (product_id)
WHERE return_id = last_insert_rowid();
