/*
effect: write
takes: {meetingId: meeting, person: person}
gives: {invitationId: invitation}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM meetings WHERE meetingId = :meetingId)
  error: There is no meeting with this id.
- holds: EXISTS (SELECT 1 FROM people WHERE name = :person)
  error: There is nobody of this name in the directory.
- holds: (SELECT status = 'scheduled' FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has been called off.
  mended_by: reinstateMeeting
- holds: (SELECT organizer <> :person FROM meetings WHERE meetingId = :meetingId)
  error: The organizer takes part anyway and cannot be invited.
- holds: NOT EXISTS (SELECT 1 FROM invitations WHERE meetingId = :meetingId AND person = :person)
  error: This person has been invited already.
*/
INSERT INTO invitations (meetingId, person, response, isOptional) VALUES (:meetingId, :person, 'pending', COALESCE(:optional, 0));
SELECT invitationId, title, person, date, startTime
FROM invitations JOIN meetings USING (meetingId)
WHERE invitationId = last_insert_rowid();
