/*
takes: {card_number: member}
gives: {fine_id: fine}
returns: fines
requires:
- holds: EXISTS (SELECT 1 FROM members WHERE card_number = :card_number)
  error: There is no member with this card number.
*/
SELECT fine_id, reason, title, amount, issued_on, settled_by
FROM fines
WHERE card_number = :card_number AND (settled_by IS NULL OR COALESCE(:include_settled, 0))
ORDER BY issued_on, fine_id
LIMIT 20;
