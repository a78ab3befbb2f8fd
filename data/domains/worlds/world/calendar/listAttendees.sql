/*
takes: {meetingId: meeting}
gives: {invitationId: invitation, person: person}
returns: attendees
requires:
- holds: EXISTS (SELECT 1 FROM meetings WHERE meetingId = :meetingId)
  error: There is no meeting with this id.
*/
SELECT invitationId, person, job, team, response, CASE isOptional WHEN 1 THEN 'true' ELSE 'false' END AS isOptional_json
FROM invitations JOIN people ON name = person
WHERE meetingId = :meetingId
ORDER BY person
LIMIT 20;
