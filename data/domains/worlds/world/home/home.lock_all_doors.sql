/*
effect: write
returns: locks
requires:
- holds: EXISTS (SELECT 1 FROM locks WHERE NOT is_locked AND status = 'ready')
  error: There is no open door whose lock works.
*/
UPDATE locks SET is_locked = 1, last_used_on = today() WHERE NOT is_locked AND status = 'ready';
SELECT lock_id, door, is_locked, status FROM locks ORDER BY door LIMIT 20;
