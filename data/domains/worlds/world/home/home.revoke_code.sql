/*
effect: write
takes: {code_id: door_code}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM codes WHERE code_id = :code_id)
  error: There is no door code with this id.
- holds: (SELECT NOT is_revoked FROM codes WHERE code_id = :code_id)
  error: The door code has been revoked.
*/
UPDATE codes SET is_revoked = 1 WHERE code_id = :code_id;
SELECT code_id, door, is_revoked FROM codes JOIN locks USING (lock_id) WHERE code_id = :code_id;
