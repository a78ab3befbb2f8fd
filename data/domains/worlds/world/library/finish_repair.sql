/*
effect: write
takes: {copy_id: copy}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM copies WHERE copy_id = :copy_id)
  error: There is no copy with this number.
- holds: (SELECT condition = 'in repair' FROM copies WHERE copy_id = :copy_id)
  error: The copy is not in repair.
*/
UPDATE copies SET condition = 'good', damage = NULL WHERE copy_id = :copy_id;
SELECT copy_id, title, condition FROM copies JOIN books USING (book_id) WHERE copy_id = :copy_id;
