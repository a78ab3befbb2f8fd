/*
effect: write
takes: {meetingId: meeting, roomId: room}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM meetings WHERE meetingId = :meetingId)
  error: There is no meeting with this id.
- holds: EXISTS (SELECT 1 FROM rooms WHERE roomId = :roomId)
  error: There is no room with this id.
- holds: (SELECT status = 'scheduled' FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has been called off.
  mended_by: reinstateMeeting
- holds: (SELECT roomId IS NULL OR roomId <> :roomId FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has this room already.
- holds: (SELECT roomId IS NULL FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has another room.
  mended_by: releaseRoom
- holds: >-
    (SELECT seats FROM rooms WHERE roomId = :roomId)
    > (SELECT COUNT(*) FROM invitations WHERE meetingId = :meetingId AND response <> 'declined')
  error: The room is too small for this meeting.
- holds: >-
    NOT EXISTS (SELECT 1 FROM meetings AS placed JOIN meetings AS other USING (date)
    WHERE placed.meetingId = :meetingId AND other.meetingId <> :meetingId AND other.status = 'scheduled' AND other.roomId = :roomId
    AND other.startTime < placed.endTime AND other.endTime > placed.startTime)
  error: The room is taken at the time of the meeting.
*/
UPDATE meetings SET roomId = :roomId WHERE meetingId = :meetingId;
SELECT meetingId, title, rooms.name AS room, floor, date, startTime
FROM meetings JOIN rooms USING (roomId)
WHERE meetingId = :meetingId;
