/*
effect: write
takes: {book_id: book, card_number: member, branch: branch}
gives: {hold_id: hold}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM books WHERE book_id = :book_id)
  error: There is no book with this number.
- holds: EXISTS (SELECT 1 FROM members WHERE card_number = :card_number)
  error: There is no member with this card number.
- holds: :branch IS NULL OR EXISTS (SELECT 1 FROM branches WHERE name = :branch)
  error: There is no branch of this name.
- holds: NOT EXISTS (SELECT 1 FROM holds WHERE book_id = :book_id AND card_number = :card_number)
  error: The member has a hold on this book already.
- holds: >-
    NOT EXISTS (SELECT 1 FROM loans JOIN copies USING (copy_id)
    WHERE book_id = :book_id AND card_number = :card_number AND returned_on IS NULL)
  error: The member has this book on loan.
- holds: (SELECT valid_until >= today() FROM members WHERE card_number = :card_number)
  error: The card has expired.
  mended_by: renew_card
- holds: COALESCE((SELECT SUM(amount) FROM fines WHERE card_number = :card_number AND settled_by IS NULL), 0) < 5
  error: The member owes 5 dollars or more.
  mended_by: pay_fines
*/
INSERT INTO holds (hold_id, book_id, card_number, branch, placed_on, status)
SELECT (SELECT COALESCE(MAX(hold_id), 100) + 1 FROM holds), :book_id, card_number, COALESCE(:branch, home_branch), today(), 'waiting'
FROM members
WHERE card_number = :card_number;
SELECT hold_id, title, branch,
       (SELECT COUNT(*) FROM holds AS ahead WHERE ahead.book_id = holds.book_id AND ahead.hold_id <= holds.hold_id) AS place_in_line
FROM holds JOIN books USING (book_id)
WHERE hold_id = (SELECT MAX(hold_id) FROM holds);
