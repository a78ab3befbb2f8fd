/*
takes: {author: author}
gives: {book_id: book}
returns: books
*/
SELECT book_id, title, pages FROM books WHERE author = :author ORDER BY book_id LIMIT 20;
