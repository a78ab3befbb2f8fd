/*
effect: write
takes: {code_id: door_code}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM codes WHERE code_id = :code_id)
  error: There is no door code with this id.
- holds: (SELECT NOT is_revoked FROM codes WHERE code_id = :code_id)
  error: The door code has been revoked.
- holds: date(:valid_until) = :valid_until AND :valid_until > today()
  error: The last day must be after today, as YYYY-MM-DD.
- holds: (SELECT :valid_until > valid_until FROM codes WHERE code_id = :code_id)
  error: The door code is valid for longer already.
*/
UPDATE codes SET valid_until = :valid_until WHERE code_id = :code_id;
SELECT code_id, door, valid_until FROM codes JOIN locks USING (lock_id) WHERE code_id = :code_id;
