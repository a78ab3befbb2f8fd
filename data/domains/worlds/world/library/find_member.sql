/*
takes: {name: member_name}
gives: {card_number: member}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM members WHERE name = :name)
  error: There is no member of this name.
*/
SELECT card_number, name, home_branch, joined_on, valid_until FROM members WHERE name = :name;
