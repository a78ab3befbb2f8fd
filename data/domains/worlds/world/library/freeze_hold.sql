/*
effect: write
takes: {hold_id: hold}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM holds WHERE hold_id = :hold_id)
  error: There is no hold with this number.
- holds: (SELECT status = 'waiting' FROM holds WHERE hold_id = :hold_id)
  error: The hold is frozen already.
- holds: date(:until) = :until AND :until > today()
  error: The day must be after today, as YYYY-MM-DD.
*/
UPDATE holds SET status = 'frozen', frozen_until = :until WHERE hold_id = :hold_id;
SELECT hold_id, title, status, frozen_until FROM holds JOIN books USING (book_id) WHERE hold_id = :hold_id;
