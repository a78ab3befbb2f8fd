INSERT INTO members SELECT 'K' || (100 + 7 * n + draw('card' || n, 0, 6)), word('member', n) FROM numbers WHERE n < 5;
INSERT INTO books SELECT 10 + n, word('title', n), pick('writer', n), draw('pages' || n, 90, 900) FROM numbers WHERE n < 7;
INSERT INTO copies SELECT 500 + 2 * book_id + n, book_id, CASE n WHEN 0 THEN 'North Hall' ELSE 'Harbor' END
  FROM books, numbers WHERE n < draw('copies' || book_id, 1, 2);
INSERT INTO fines SELECT card, draw('fine' || card, 1, 9), 0 FROM members WHERE draw('has fine' || card, 0, 1) = 1;
INSERT INTO loans SELECT NULL, (SELECT card FROM members ORDER BY card LIMIT 1), min(copy_id), day(-3) FROM copies;
