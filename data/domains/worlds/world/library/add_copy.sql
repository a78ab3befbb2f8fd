/*
effect: write
takes: {book_id: book, branch: branch}
gives: {copy_id: copy}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM books WHERE book_id = :book_id)
  error: There is no book with this number.
- holds: EXISTS (SELECT 1 FROM branches WHERE name = :branch)
  error: There is no branch of this name.
*/
INSERT INTO copies (copy_id, book_id, branch, format, condition)
SELECT COALESCE(MAX(copy_id), 10000) + 1, :book_id, :branch, COALESCE(:format, 'paperback'), 'good' FROM copies;
SELECT copy_id, title, branch, format FROM copies JOIN books USING (book_id) WHERE copy_id = last_insert_rowid();
