/*
takes: {name: guest_name}
gives: {guest_id: guest}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM guests WHERE name = :name)
  error: There is no guest of this name.
*/
SELECT guest_id, name, phone FROM guests WHERE name = :name;
