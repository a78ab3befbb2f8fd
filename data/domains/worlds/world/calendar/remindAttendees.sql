/*
effect: write
takes: {meetingId: meeting}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM meetings WHERE meetingId = :meetingId)
  error: There is no meeting with this id.
- holds: (SELECT status = 'scheduled' FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has been called off.
  mended_by: reinstateMeeting
- holds: EXISTS (SELECT 1 FROM invitations WHERE meetingId = :meetingId AND response = 'pending')
  error: There is nobody whose answer is missing.
*/
UPDATE meetings SET remindersSent = remindersSent + 1 WHERE meetingId = :meetingId;
SELECT meetingId, title, remindersSent,
       (SELECT COUNT(*) FROM invitations WHERE invitations.meetingId = meetings.meetingId AND response = 'pending') AS reminded
FROM meetings
WHERE meetingId = :meetingId;
