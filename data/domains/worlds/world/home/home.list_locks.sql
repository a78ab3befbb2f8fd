/*
gives: {lock_id: lock}
returns: locks
*/
SELECT lock_id, door, is_locked, last_used_on, status
FROM locks
WHERE NOT COALESCE(:unlocked_only, 0) OR NOT is_locked
ORDER BY door
LIMIT 20;
