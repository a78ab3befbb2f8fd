/*
takes: {guest_id: guest}
gives: {code_id: door_code, lock_id: lock}
returns: codes
requires:
- holds: EXISTS (SELECT 1 FROM guests WHERE guest_id = :guest_id)
  error: There is no guest with this id.
*/
SELECT code_id, lock_id, door, valid_until, times_sent, is_revoked
FROM codes JOIN locks USING (lock_id)
WHERE guest_id = :guest_id AND (NOT COALESCE(:valid_only, 0) OR valid_until >= today() AND NOT is_revoked)
ORDER BY valid_until, code_id
LIMIT 20;
