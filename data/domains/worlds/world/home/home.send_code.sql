/*
effect: write
takes: {code_id: door_code}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM codes WHERE code_id = :code_id)
  error: There is no door code with this id.
- holds: (SELECT NOT is_revoked FROM codes WHERE code_id = :code_id)
  error: The door code has been revoked.
- holds: (SELECT valid_until >= today() FROM codes WHERE code_id = :code_id)
  error: The door code has expired.
  mended_by: home.extend_code
*/
UPDATE codes SET times_sent = times_sent + 1 WHERE code_id = :code_id;
SELECT code_id, name AS guest, phone, COALESCE(:channel, 'text_message') AS channel, door, times_sent
FROM codes JOIN guests USING (guest_id) JOIN locks USING (lock_id)
WHERE code_id = :code_id;
