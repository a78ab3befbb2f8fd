/*
effect: write
takes: {copy_id: copy, card_number: member}
gives: {loan_id: loan}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM copies WHERE copy_id = :copy_id)
  error: There is no copy with this number.
- holds: EXISTS (SELECT 1 FROM members WHERE card_number = :card_number)
  error: There is no member with this card number.
- holds: NOT EXISTS (SELECT 1 FROM loans WHERE copy_id = :copy_id AND returned_on IS NULL)
  error: The copy is on loan.
- holds: (SELECT condition <> 'lost' FROM copies WHERE copy_id = :copy_id)
  error: The copy is lost.
- holds: (SELECT condition = 'good' FROM copies WHERE copy_id = :copy_id)
  error: The copy is in repair.
  mended_by: finish_repair
- holds: (SELECT valid_until >= today() FROM members WHERE card_number = :card_number)
  error: The card has expired.
  mended_by: renew_card
- holds: NOT EXISTS (SELECT 1 FROM fines WHERE card_number = :card_number AND settled_by IS NULL)
  error: The member has unpaid fines.
  mended_by: pay_fines
- holds: (SELECT COUNT(*) < 5 FROM loans WHERE card_number = :card_number AND returned_on IS NULL)
  error: The member has five loans, which is the limit.
*/
INSERT INTO loans (loan_id, copy_id, card_number, borrowed_on, due_on, renewals)
SELECT COALESCE(MAX(loan_id), 1000) + 1, :copy_id, :card_number, today(), date(today(), '+21 days'), 0 FROM loans;
DELETE FROM holds WHERE card_number = :card_number AND book_id = (SELECT book_id FROM copies WHERE copy_id = :copy_id);
SELECT loan_id, title, due_on
FROM loans JOIN copies USING (copy_id) JOIN books USING (book_id)
WHERE loan_id = (SELECT MAX(loan_id) FROM loans);
