/*
effect: write
takes: {entry_id: waitlist_entry}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM waitlist WHERE entry_id = :entry_id)
  error: There is no waitlist entry with this number.
*/
DELETE FROM waitlist WHERE entry_id = :entry_id;
SELECT :entry_id AS entry_id, 'removed' AS status;
