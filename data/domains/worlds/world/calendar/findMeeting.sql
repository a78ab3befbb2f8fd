/*
takes: {title: meeting_title}
gives: {meetingId: meeting, organizer: person, roomId: room}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM meetings WHERE title = :title)
  error: There is no meeting with this title.
*/
SELECT meetingId, title, organizer, date, startTime, endTime, roomId, status FROM meetings WHERE title = :title;
