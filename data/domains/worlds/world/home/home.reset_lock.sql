/*
effect: write
takes: {lock_id: lock}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM locks WHERE lock_id = :lock_id)
  error: There is no lock with this id.
*/
UPDATE locks SET status = 'ready' WHERE lock_id = :lock_id;
SELECT lock_id, door, is_locked, status FROM locks WHERE lock_id = :lock_id;
