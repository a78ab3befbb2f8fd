/*
effect: write
takes: {card_number: member}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM members WHERE card_number = :card_number)
  error: There is no member with this card number.
- holds: EXISTS (SELECT 1 FROM fines WHERE card_number = :card_number AND settled_by IS NULL)
  error: The member has no unpaid fines.
*/
INSERT INTO payments (card_number, amount, method, paid_on)
SELECT card_number, SUM(amount), COALESCE(:method, 'card'), today()
FROM fines
WHERE card_number = :card_number AND settled_by IS NULL
GROUP BY card_number;
UPDATE fines SET settled_by = COALESCE(:method, 'card') WHERE card_number = :card_number AND settled_by IS NULL;
SELECT payment_id, card_number, amount, method FROM payments WHERE payment_id = last_insert_rowid();
