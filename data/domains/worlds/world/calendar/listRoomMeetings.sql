/*
takes: {roomId: room}
gives: {meetingId: meeting}
returns: meetings
requires:
- holds: EXISTS (SELECT 1 FROM rooms WHERE roomId = :roomId)
  error: There is no room with this id.
*/
SELECT meetingId, title, organizer, date, startTime, endTime, status
FROM meetings
WHERE roomId = :roomId AND (:date IS NULL OR date = :date)
ORDER BY date, startTime
LIMIT 20;
