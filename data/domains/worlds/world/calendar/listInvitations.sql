/*
takes: {person: person}
gives: {invitationId: invitation, meetingId: meeting}
returns: invitations
requires:
- holds: EXISTS (SELECT 1 FROM people WHERE name = :person)
  error: There is nobody of this name in the directory.
*/
SELECT invitationId, meetingId, title, organizer, date, startTime, status, response
FROM invitations JOIN meetings USING (meetingId)
WHERE person = :person AND (:response IS NULL OR response = :response)
ORDER BY date, startTime, invitationId
LIMIT 20;
