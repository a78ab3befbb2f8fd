/*
effect: write
takes: {hold_id: hold, branch: branch}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM holds WHERE hold_id = :hold_id)
  error: There is no hold with this number.
- holds: EXISTS (SELECT 1 FROM branches WHERE name = :branch)
  error: There is no branch of this name.
- holds: (SELECT branch <> :branch FROM holds WHERE hold_id = :hold_id)
  error: The book is picked up at this branch already.
*/
UPDATE holds SET branch = :branch WHERE hold_id = :hold_id;
SELECT hold_id, title, branch, status FROM holds JOIN books USING (book_id) WHERE hold_id = :hold_id;
