/*
effect: write
takes: {card_number: member, branch: branch}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM members WHERE card_number = :card_number)
  error: There is no member with this card number.
- holds: EXISTS (SELECT 1 FROM branches WHERE name = :branch)
  error: There is no branch of this name.
- holds: (SELECT home_branch <> :branch FROM members WHERE card_number = :card_number)
  error: This is the member's home branch already.
*/
UPDATE members SET home_branch = :branch WHERE card_number = :card_number;
SELECT card_number, name, home_branch FROM members WHERE card_number = :card_number;
