/*
takes: {book_id: book}
gives: {copy_id: copy}
returns: copies
requires:
- holds: EXISTS (SELECT 1 FROM books WHERE book_id = :book_id)
  error: There is no book with this number.
*/
SELECT copy_id, branch, format, condition,
       condition = 'good' AND NOT EXISTS (SELECT 1 FROM loans WHERE loans.copy_id = copies.copy_id AND returned_on IS NULL) AS is_available
FROM copies
WHERE book_id = :book_id
  AND (NOT COALESCE(:available_only, 0) OR condition = 'good'
       AND NOT EXISTS (SELECT 1 FROM loans WHERE loans.copy_id = copies.copy_id AND returned_on IS NULL))
ORDER BY copy_id
LIMIT 20;
