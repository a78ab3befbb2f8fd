/*
effect: write
takes: {meetingId: meeting}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM meetings WHERE meetingId = :meetingId)
  error: There is no meeting with this id.
- holds: (SELECT status = 'called off' FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has not been called off.
- holds: >-
    NOT EXISTS (SELECT 1 FROM meetings AS back JOIN meetings AS other USING (roomId, date)
    WHERE back.meetingId = :meetingId AND other.meetingId <> :meetingId AND other.status = 'scheduled'
    AND other.startTime < back.endTime AND other.endTime > back.startTime)
  error: The room of the meeting is taken by another one now.
  mended_by: releaseRoom
*/
UPDATE meetings SET status = 'scheduled', note = NULL WHERE meetingId = :meetingId;
UPDATE invitations SET response = 'pending' WHERE meetingId = :meetingId;
SELECT meetingId, title, date, startTime, endTime, status FROM meetings WHERE meetingId = :meetingId;
