/*
takes: {card_number: member}
gives: {hold_id: hold, book_id: book}
returns: holds
requires:
- holds: EXISTS (SELECT 1 FROM members WHERE card_number = :card_number)
  error: There is no member with this card number.
*/
SELECT hold_id, book_id, title, branch, placed_on, status, frozen_until
FROM holds JOIN books USING (book_id)
WHERE card_number = :card_number
ORDER BY placed_on, hold_id
LIMIT 20;
