/*
effect: write
takes: {meetingId: meeting}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM meetings WHERE meetingId = :meetingId)
  error: There is no meeting with this id.
- holds: (SELECT roomId IS NOT NULL FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has no room.
*/
UPDATE meetings SET roomId = NULL WHERE meetingId = :meetingId;
SELECT meetingId, title, roomId FROM meetings WHERE meetingId = :meetingId;
