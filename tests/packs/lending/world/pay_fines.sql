/*
effect: write
takes: {card: card}
requires:
- holds: EXISTS (SELECT 1 FROM members WHERE card = :card)
  error: There is no member with this card.
*/
UPDATE fines SET is_paid = 1 WHERE card = :card;
SELECT :card AS card, 0 AS has_fines, coalesce(sum(amount), 0) AS paid FROM fines WHERE card = :card;
