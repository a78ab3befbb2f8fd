/*
takes: {author: author}
gives: {book_id: book}
returns: books
requires:
- holds: EXISTS (SELECT 1 FROM books WHERE author = :author)
  error: There is no book by this author.
*/
SELECT book_id, title, genre, pages, published
FROM books
WHERE author = :author
ORDER BY published DESC, title
LIMIT 20;
