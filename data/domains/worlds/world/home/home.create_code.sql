/*
effect: write
takes: {guest_id: guest, lock_id: lock}
gives: {code_id: door_code}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM guests WHERE guest_id = :guest_id)
  error: There is no guest with this id.
- holds: EXISTS (SELECT 1 FROM locks WHERE lock_id = :lock_id)
  error: There is no lock with this id.
- holds: date(:valid_until) = :valid_until AND :valid_until > today()
  error: The last day must be after today, as YYYY-MM-DD.
- holds: >-
    NOT EXISTS (SELECT 1 FROM codes WHERE guest_id = :guest_id AND lock_id = :lock_id AND valid_until >= today() AND NOT is_revoked)
  error: The guest has a valid code for this door.
- holds: (SELECT status = 'ready' FROM locks WHERE lock_id = :lock_id)
  error: The lock is jammed.
  mended_by: home.reset_lock
*/
INSERT INTO codes (guest_id, lock_id, digits, valid_until, times_sent, is_revoked)
SELECT :guest_id, :lock_id, printf('%06d', (COALESCE(MAX(CAST(digits AS INTEGER)), 0) * 7 + :guest_id * 131 + :lock_id) % 900000 + 100000), :valid_until, 0, 0
FROM codes;
SELECT code_id, door, name AS guest, digits, valid_until
FROM codes JOIN locks USING (lock_id) JOIN guests USING (guest_id)
WHERE code_id = last_insert_rowid();
