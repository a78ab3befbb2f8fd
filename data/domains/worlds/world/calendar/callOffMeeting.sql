/*
effect: write
takes: {meetingId: meeting}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM meetings WHERE meetingId = :meetingId)
  error: There is no meeting with this id.
- holds: (SELECT status = 'scheduled' FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has been called off already.
*/
UPDATE meetings SET status = 'called off', note = :note WHERE meetingId = :meetingId;
DELETE FROM reservations WHERE meetingId = :meetingId;
SELECT meetingId, title, status, (SELECT COUNT(*) FROM invitations WHERE invitations.meetingId = meetings.meetingId) AS informed
FROM meetings
WHERE meetingId = :meetingId;
