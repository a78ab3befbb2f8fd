/*
effect: write
takes: {copy_id: copy}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM copies WHERE copy_id = :copy_id)
  error: There is no copy with this number.
- holds: NOT EXISTS (SELECT 1 FROM loans WHERE copy_id = :copy_id AND returned_on IS NULL)
  error: The copy is on loan.
- holds: (SELECT condition = 'good' FROM copies WHERE copy_id = :copy_id)
  error: The copy is in repair or lost already.
*/
UPDATE copies SET condition = 'in repair', damage = :damage WHERE copy_id = :copy_id;
SELECT copy_id, title, condition, damage FROM copies JOIN books USING (book_id) WHERE copy_id = :copy_id;
