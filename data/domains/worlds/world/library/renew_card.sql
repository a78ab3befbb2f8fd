/*
effect: write
takes: {card_number: member}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM members WHERE card_number = :card_number)
  error: There is no member with this card number.
- holds: (SELECT valid_until <= date(today(), '+1 year') FROM members WHERE card_number = :card_number)
  error: The card is valid for more than a year already.
*/
UPDATE members
SET valid_until = date(max(valid_until, today()), '+' || COALESCE(:years, 1) || ' years')
WHERE card_number = :card_number;
SELECT card_number, name, valid_until FROM members WHERE card_number = :card_number;
