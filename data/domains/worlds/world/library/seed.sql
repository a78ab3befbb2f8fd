INSERT INTO branches
SELECT word('library_branch', n), printf('%02d:00', draw('closes' || n, 17, 21)) FROM numbers WHERE n < draw('branches', 3, 4);

WITH ranked AS (SELECT name, row_number() OVER (ORDER BY name) - 1 AS place, COUNT(*) OVER () AS branches FROM branches)
INSERT INTO members
SELECT draw('card base', 10, 89) * 1000 + n * 17 + draw('card' || n, 0, 16), word('library_member', n), name, day(-draw('joined' || n, 200, 3000)),
       day(CASE WHEN draw('expired' || n, 1, 100) <= 22 THEN -draw('since' || n, 2, 120) WHEN draw('expired' || n, 1, 100) <= 85 THEN draw('valid' || n, 5, 350) ELSE draw('valid' || n, 380, 700) END)
FROM numbers JOIN ranked ON place = draw('home' || n, 0, 59) % branches
WHERE n < draw('members', 12, 15);

-- A book of each genre in turn; some authors wrote several of the genre.
WITH genres(k, genre) AS (VALUES (0, 'mystery'), (1, 'science fiction'), (2, 'history'), (3, 'travel'), (4, 'cooking'), (5, 'poetry'))
INSERT INTO books
SELECT draw('book base', 20, 79) * 100 + n * 4 + draw('book' || n, 0, 3),
       word('library_' || replace(genre, ' ', '_'), n / 6),
       word('library_author', k * 3 + draw('author' || n, 0, 2)), genre,
       CASE genre WHEN 'poetry' THEN draw('pages' || n, 64, 190) WHEN 'cooking' THEN draw('pages' || n, 120, 340) ELSE draw('pages' || n, 180, 720) END,
       CAST(strftime('%Y', today()) AS INTEGER) - draw('published' || n, 1, 45)
FROM numbers JOIN genres ON k = n % 6
WHERE n < 24;

-- One or two copies of a book, never two of them in one branch.
WITH shelved AS (
  SELECT book_id, row_number() OVER (ORDER BY book_id) - 1 AS place FROM books
), ranked AS (
  SELECT name, row_number() OVER (ORDER BY name) - 1 AS rank, COUNT(*) OVER () AS branches FROM branches
), few(n) AS MATERIALIZED (
  SELECT n FROM numbers WHERE n < 2
), spread AS MATERIALIZED (
  SELECT book_id, place, n, draw('shelf' || place, 0, 59) + n AS shelf FROM shelved, few WHERE n < draw('copies' || place, 1, 2)
), planned AS (
  SELECT book_id, name AS branch, row_number() OVER (ORDER BY place, n) - 1 AS line FROM spread JOIN ranked ON rank = shelf % branches
)
INSERT INTO copies
SELECT draw('copy base', 3, 8) * 10000 + line * 23 + draw('copy' || line, 0, 22), book_id, branch,
       CASE draw('format' || line, 0, 5) WHEN 0 THEN 'large print' WHEN 1 THEN 'audiobook' WHEN 2 THEN 'hardcover' WHEN 3 THEN 'hardcover' ELSE 'paperback' END,
       CASE WHEN draw('condition' || line, 1, 100) <= 12 THEN 'in repair' WHEN draw('condition' || line, 1, 100) <= 16 THEN 'lost' ELSE 'good' END,
       CASE WHEN draw('condition' || line, 1, 100) <= 12
            THEN CASE draw('damage' || line, 0, 2) WHEN 0 THEN 'torn pages' WHEN 1 THEN 'water damage' ELSE 'loose binding' END END
FROM planned;

-- Loans that run; some are overdue.
WITH ranked AS (
  SELECT card_number, row_number() OVER (ORDER BY card_number) - 1 AS place FROM members
), good AS (
  SELECT copy_id, row_number() OVER (ORDER BY copy_id) - 1 AS place FROM copies WHERE condition = 'good'
), taken AS (
  SELECT copy_id, place, row_number() OVER (ORDER BY place) - 1 AS line FROM good WHERE draw('on loan' || place, 1, 100) <= 48
), aged AS (
  SELECT *, CASE WHEN draw('keen reader' || line, 1, 4) = 1 THEN 0 ELSE draw('borrower' || line, 0, 9) END AS reader, draw('age' || line, 1, 34) AS age, draw('renewed' || line, 0, 5) / 2 AS renewed FROM taken
)
INSERT INTO loans
SELECT draw('loan base', 11, 89) * 100 + line * 4 + draw('loan' || line, 0, 3), copy_id, card_number,
       day(-age - CASE WHEN renewed > 0 THEN 14 * renewed ELSE 0 END), day(21 - age), renewed, NULL
FROM aged JOIN ranked ON ranked.place = reader;

-- Loans of the past.
WITH ranked AS (
  SELECT card_number, row_number() OVER (ORDER BY card_number) - 1 AS place FROM members
), shelved AS (
  SELECT copy_id, row_number() OVER (ORDER BY copy_id) - 1 AS place FROM copies
)
INSERT INTO loans
SELECT (SELECT MIN(loan_id) FROM loans) - n * 5 - draw('past loan' || n, 1, 5), copy_id, card_number, day(-90 - n * 6), day(-69 - n * 6), 0,
       day(-69 - n * 6 - draw('early' || n, 0, 12))
FROM numbers
JOIN ranked ON ranked.place = draw('past reader' || n, 0, 11)
JOIN shelved ON shelved.place = draw('past copy' || n, 0, 22)
WHERE n < draw('past loans', 3, 5);

-- Holds of members who do not have the book.
WITH ranked AS (
  SELECT card_number, home_branch, row_number() OVER (ORDER BY card_number) - 1 AS place FROM members
), shelved AS (
  SELECT book_id, row_number() OVER (ORDER BY book_id) - 1 AS place FROM books
), drafts AS (
  SELECT n, book_id, card_number, home_branch, draw('frozen' || n, 1, 100) <= 30 AS is_frozen,
         row_number() OVER (PARTITION BY book_id, card_number ORDER BY n) AS copy
  FROM numbers
  JOIN ranked ON ranked.place = draw('hold of' || n, 0, 8)
  JOIN shelved ON shelved.place = draw('held book' || n, 0, 17)
  WHERE n < draw('holds', 9, 12)
)
INSERT INTO holds
SELECT draw('hold base', 11, 89) * 10 + n * 3 + draw('hold' || n, 0, 2), book_id, card_number,
       CASE WHEN draw('elsewhere' || n, 1, 4) = 1 THEN (SELECT MIN(name) FROM branches) ELSE home_branch END, day(-draw('waits' || n, 1, 60)),
       CASE WHEN is_frozen THEN 'frozen' ELSE 'waiting' END, CASE WHEN is_frozen THEN day(draw('thaws' || n, 5, 60)) END
FROM drafts
WHERE copy = 1
  AND NOT EXISTS (SELECT 1 FROM loans JOIN copies USING (copy_id) WHERE loans.card_number = drafts.card_number AND copies.book_id = drafts.book_id
                  AND returned_on IS NULL);

WITH ranked AS (
  SELECT card_number, row_number() OVER (ORDER BY card_number) - 1 AS place FROM members
), shelved AS (
  SELECT title, row_number() OVER (ORDER BY book_id) - 1 AS place FROM books
), drafts AS (
  SELECT n, draw('kind' || n, 1, 100) AS kind, draw('fined' || n, 0, 6) AS reader FROM numbers WHERE n < draw('fines', 9, 12)
)
INSERT INTO fines
SELECT draw('fine base', 11, 89) * 10 + n * 4 + draw('fine' || n, 0, 3), card_number,
       CASE WHEN kind <= 62 THEN 'late return' WHEN kind <= 85 THEN 'damage' ELSE 'new card' END,
       CASE WHEN kind <= 85 THEN title END,
       CASE WHEN kind <= 62 THEN draw('late' || n, 2, 40) * 0.25 WHEN kind <= 85 THEN draw('harm' || n, 6, 30) * 0.5 ELSE 3.0 END,
       day(-draw('issued' || n, 2, 200)),
       CASE WHEN draw('settled' || n, 1, 100) <= 35 THEN CASE draw('settled by' || n, 0, 2) WHEN 0 THEN 'cash' WHEN 1 THEN 'card' ELSE 'online' END END
FROM drafts
JOIN ranked ON ranked.place = reader
JOIN shelved ON shelved.place = draw('fined book' || n, 0, 23);

INSERT INTO payments
SELECT draw('payment base', 11, 89) * 100 + row_number() OVER (ORDER BY issued_on, fine_id) * 3, card_number, amount, settled_by,
       min(today(), date(issued_on, '+' || draw('paid after' || fine_id % 7, 0, 20) || ' days'))
FROM fines
WHERE settled_by IS NOT NULL;
