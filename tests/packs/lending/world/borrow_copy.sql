/*
effect: write
takes: {card: card, copy_id: copy}
requires:
- holds: EXISTS (SELECT 1 FROM members WHERE card = :card)
  error: There is no member with this card.
- holds: NOT EXISTS (SELECT 1 FROM fines WHERE card = :card AND is_paid = 0)
  error: The member has unpaid fines.
  mended_by: pay_fines
- holds: NOT EXISTS (SELECT 1 FROM loans WHERE copy_id = :copy_id)
  error: The copy is on loan.
*/
INSERT INTO loans (card, copy_id, due_on) VALUES (:card, :copy_id, day(7 * coalesce(:weeks, 2)));
SELECT loan_id, due_on FROM loans WHERE loan_id = last_insert_rowid();
