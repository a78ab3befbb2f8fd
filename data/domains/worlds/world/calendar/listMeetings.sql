/*
takes: {person: person}
gives: {meetingId: meeting}
returns: meetings
requires:
- holds: EXISTS (SELECT 1 FROM people WHERE name = :person)
  error: There is nobody of this name in the directory.
*/
SELECT meetingId, title, organizer, date, startTime, endTime, rooms.name AS room, status
FROM meetings LEFT JOIN rooms USING (roomId)
WHERE (:date IS NULL OR date = :date)
  AND (organizer = :person
       OR EXISTS (SELECT 1 FROM invitations WHERE invitations.meetingId = meetings.meetingId AND person = :person AND response <> 'declined'))
ORDER BY date, startTime, meetingId
LIMIT 20;
