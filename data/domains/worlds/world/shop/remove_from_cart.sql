/*
effect: write
takes: {cart_item_id: cart_item}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM cart_items WHERE cart_item_id = :cart_item_id)
  error: There is no cart item with this number.
*/
DELETE FROM cart_items WHERE cart_item_id = :cart_item_id;
SELECT :cart_item_id AS cart_item_id, 'removed' AS status;
