/*
effect: write
takes: {return_id: return}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM returns WHERE return_id = :return_id)
  error: There is no return with this number.
- holds: (SELECT status = 'requested' FROM returns WHERE return_id = :return_id)
  error: The return has been received already.
*/
UPDATE returns SET status = 'received', condition = COALESCE(:condition, 'as_new') WHERE return_id = :return_id;
UPDATE products
SET stock = stock + (SELECT quantity FROM returns WHERE return_id = :return_id)
WHERE COALESCE(:condition, 'as_new') = 'as_new'
  AND product_id = (SELECT product_id FROM returns JOIN order_items USING (item_id) WHERE return_id = :return_id);
SELECT return_id, status, condition, amount FROM returns WHERE return_id = :return_id;
