/*
effect: write
takes: {card_number: member}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM members WHERE card_number = :card_number)
  error: There is no member with this card number.
- holds: (SELECT valid_until <= date(today(), '+90 days') FROM members WHERE card_number = :card_number)
  error: A card can be renewed in the last 90 days before it expires, not earlier.
*/
UPDATE members
SET valid_until = date(max(valid_until, today()), '+' || COALESCE(:years, 1) || ' years')
WHERE card_number = :card_number;
SELECT card_number, name, valid_until FROM members WHERE card_number = :card_number;
