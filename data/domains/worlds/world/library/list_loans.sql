/*
takes: {card_number: member}
gives: {loan_id: loan, book_id: book}
returns: loans
requires:
- holds: EXISTS (SELECT 1 FROM members WHERE card_number = :card_number)
  error: There is no member with this card number.
*/
SELECT loan_id, copy_id, book_id, title, borrowed_on, due_on, renewals, due_on < today() AS is_overdue
FROM loans JOIN copies USING (copy_id) JOIN books USING (book_id)
WHERE card_number = :card_number AND returned_on IS NULL AND (NOT COALESCE(:overdue_only, 0) OR due_on < today())
ORDER BY due_on, loan_id
LIMIT 20;
