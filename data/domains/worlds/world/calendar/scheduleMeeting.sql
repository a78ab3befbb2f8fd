/*
effect: write
takes: {organizer: person, attendees: colleague}
gives: {meetingId: meeting}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM people WHERE name = :organizer)
  error: There is nobody of this name in the directory.
- holds: NOT EXISTS (SELECT 1 FROM json_each(:attendees) WHERE value NOT IN (SELECT name FROM people))
  error: One of the attendees is not in the directory.
- holds: NOT EXISTS (SELECT 1 FROM json_each(:attendees) WHERE value = :organizer)
  error: The organizer takes part anyway and cannot be an attendee.
- holds: date(:date) = :date AND :date >= today()
  error: The day must be today or later, as YYYY-MM-DD.
- holds: strftime('%H:%M', :startTime) = :startTime
  error: The time must be HH:MM on the 24-hour clock.
- holds: strftime('%H:%M', :startTime, '+' || COALESCE(:minutes, 60) || ' minutes') > :startTime
  error: The meeting must end before midnight.
- holds: NOT EXISTS (SELECT 1 FROM meetings WHERE title = :title)
  error: There is a meeting with this title already.
- holds: >-
    NOT EXISTS (SELECT 1 FROM meetings WHERE organizer = :organizer AND status = 'scheduled' AND date = :date
    AND startTime < strftime('%H:%M', :startTime, '+' || COALESCE(:minutes, 60) || ' minutes') AND endTime > :startTime)
  error: The organizer has another meeting at that time.
*/
INSERT INTO meetings (title, organizer, date, startTime, endTime, status, remindersSent)
VALUES (:title, :organizer, :date, :startTime, strftime('%H:%M', :startTime, '+' || COALESCE(:minutes, 60) || ' minutes'), 'scheduled', 0);
INSERT INTO invitations (meetingId, person, response, isOptional)
SELECT (SELECT meetingId FROM meetings WHERE title = :title), value, 'pending', 0 FROM json_each(:attendees) GROUP BY value;
SELECT meetingId, title, date, startTime, endTime, (SELECT COUNT(*) FROM invitations WHERE invitations.meetingId = meetings.meetingId) AS invited
FROM meetings
WHERE title = :title;
