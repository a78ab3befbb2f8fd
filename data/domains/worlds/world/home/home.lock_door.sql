/*
effect: write
takes: {lock_id: lock}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM locks WHERE lock_id = :lock_id)
  error: There is no lock with this id.
- holds: (SELECT NOT is_locked FROM locks WHERE lock_id = :lock_id)
  error: The door is locked already.
- holds: (SELECT status = 'ready' FROM locks WHERE lock_id = :lock_id)
  error: The lock is jammed.
  mended_by: home.reset_lock
*/
UPDATE locks SET is_locked = 1, last_used_on = today() WHERE lock_id = :lock_id;
SELECT lock_id, door, is_locked FROM locks WHERE lock_id = :lock_id;
