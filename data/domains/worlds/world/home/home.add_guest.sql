/*
effect: write
gives: {guest_id: guest}
returns: row
requires:
- holds: NOT EXISTS (SELECT 1 FROM guests WHERE name = :name)
  error: There is a guest of this name already.
*/
INSERT INTO guests (name, phone) VALUES (:name, :phone);
SELECT guest_id, name, phone FROM guests WHERE guest_id = last_insert_rowid();
