/*
effect: write
takes: {meetingId: meeting, person: person}
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
  error: This person is the organizer already.
- holds: EXISTS (SELECT 1 FROM invitations WHERE meetingId = :meetingId AND person = :person)
  error: Only somebody who is invited can become the organizer.
  mended_by: invitePerson
*/
INSERT INTO invitations (meetingId, person, response, isOptional)
SELECT meetingId, organizer, 'accepted', 0 FROM meetings WHERE meetingId = :meetingId
ON CONFLICT DO NOTHING;
DELETE FROM invitations WHERE meetingId = :meetingId AND person = :person;
UPDATE meetings SET organizer = :person WHERE meetingId = :meetingId;
SELECT meetingId, title, organizer, date, startTime FROM meetings WHERE meetingId = :meetingId;
