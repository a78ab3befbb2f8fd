/*
effect: write
takes: {hold_id: hold}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM holds WHERE hold_id = :hold_id)
  error: There is no hold with this number.
- holds: (SELECT status = 'frozen' FROM holds WHERE hold_id = :hold_id)
  error: The hold is not frozen.
*/
UPDATE holds SET status = 'waiting', frozen_until = NULL WHERE hold_id = :hold_id;
SELECT hold_id, title, branch, status FROM holds JOIN books USING (book_id) WHERE hold_id = :hold_id;
