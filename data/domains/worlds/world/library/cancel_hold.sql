/*
effect: write
takes: {hold_id: hold}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM holds WHERE hold_id = :hold_id)
  error: There is no hold with this number.
*/
DELETE FROM holds WHERE hold_id = :hold_id;
SELECT :hold_id AS hold_id, 'canceled' AS status;
