/*
takes: {book_id: book}
gives: {copy_id: copy}
returns: copies
*/
SELECT copy_id, branch FROM copies WHERE book_id = :book_id AND copy_id NOT IN (SELECT copy_id FROM loans) ORDER BY copy_id;
