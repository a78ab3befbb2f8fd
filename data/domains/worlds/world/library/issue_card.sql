/*
effect: write
takes: {branch: branch}
gives: {card_number: member}
returns: row
requires:
- holds: NOT EXISTS (SELECT 1 FROM members WHERE name = :name)
  error: There is a member of this name already.
- holds: EXISTS (SELECT 1 FROM branches WHERE name = :branch)
  error: There is no branch of this name.
*/
INSERT INTO members (card_number, name, home_branch, joined_on, valid_until)
SELECT COALESCE(MAX(card_number), 10000) + 1, :name, :branch, today(), date(today(), '+1 year') FROM members;
INSERT INTO fines (fine_id, card_number, reason, amount, issued_on)
SELECT COALESCE(MAX(fine_id), 100) + 1, (SELECT MAX(card_number) FROM members), 'new card', 3.0, today() FROM fines;
SELECT card_number, name, home_branch, valid_until, 3.0 AS fee FROM members WHERE card_number = (SELECT MAX(card_number) FROM members);
