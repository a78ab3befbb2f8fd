/*
effect: write
takes: {copy_id: copy, branch: branch}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM copies WHERE copy_id = :copy_id)
  error: There is no copy with this number.
- holds: EXISTS (SELECT 1 FROM branches WHERE name = :branch)
  error: There is no branch of this name.
- holds: NOT EXISTS (SELECT 1 FROM loans WHERE copy_id = :copy_id AND returned_on IS NULL)
  error: The copy is on loan.
- holds: (SELECT branch <> :branch FROM copies WHERE copy_id = :copy_id)
  error: The copy is at this branch already.
*/
UPDATE copies SET branch = :branch WHERE copy_id = :copy_id;
SELECT copy_id, title, branch FROM copies JOIN books USING (book_id) WHERE copy_id = :copy_id;
