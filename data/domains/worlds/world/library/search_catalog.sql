/*
gives: {book_id: book}
returns: books
*/
SELECT book_id, title, author, pages, published
FROM books
WHERE genre = :genre AND (:max_pages IS NULL OR pages <= :max_pages)
ORDER BY title
LIMIT 20;
