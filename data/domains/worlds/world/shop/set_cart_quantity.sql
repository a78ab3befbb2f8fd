/*
effect: write
takes: {cart_item_id: cart_item}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM cart_items WHERE cart_item_id = :cart_item_id)
  error: There is no cart item with this number.
- holds: (SELECT quantity <> :quantity FROM cart_items WHERE cart_item_id = :cart_item_id)
  error: The cart has this quantity already.
- holds: (SELECT stock >= :quantity FROM cart_items JOIN products USING (product_id) WHERE cart_item_id = :cart_item_id)
  error: There is not enough of this product in stock.
*/
UPDATE cart_items SET quantity = :quantity WHERE cart_item_id = :cart_item_id;
SELECT cart_item_id, name AS product, quantity, price AS unit_price
FROM cart_items JOIN products USING (product_id)
WHERE cart_item_id = :cart_item_id;
