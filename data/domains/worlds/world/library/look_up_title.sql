/*
takes: {title: book_title}
gives: {book_id: book}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM books WHERE title = :title)
  error: There is no book with this title.
*/
SELECT book_id, title, author, genre, pages, published,
       (SELECT COUNT(*) FROM copies WHERE copies.book_id = books.book_id AND condition = 'good'
        AND NOT EXISTS (SELECT 1 FROM loans WHERE loans.copy_id = copies.copy_id AND returned_on IS NULL)) AS copies_available
FROM books
WHERE title = :title;
