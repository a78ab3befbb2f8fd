/*
effect: write
takes: {meetingId: meeting}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM meetings WHERE meetingId = :meetingId)
  error: There is no meeting with this id.
- holds: (SELECT status = 'scheduled' FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has been called off.
  mended_by: reinstateMeeting
- holds: date(:date) = :date AND :date >= today()
  error: The day must be today or later, as YYYY-MM-DD.
- holds: strftime('%H:%M', :startTime) = :startTime
  error: The time must be HH:MM on the 24-hour clock.
- holds: >-
    (SELECT strftime('%H:%M', :startTime, '+' || (strftime('%s', endTime) - strftime('%s', startTime)) || ' seconds') > :startTime
    FROM meetings WHERE meetingId = :meetingId)
  error: The meeting must end before midnight.
- holds: >-
    NOT EXISTS (SELECT 1 FROM meetings AS moved JOIN meetings AS other USING (roomId)
    WHERE moved.meetingId = :meetingId AND other.meetingId <> :meetingId AND other.status = 'scheduled' AND other.date = :date
    AND other.startTime < strftime('%H:%M', :startTime, '+' || (strftime('%s', moved.endTime) - strftime('%s', moved.startTime)) || ' seconds')
    AND other.endTime > :startTime)
  error: The room is taken at that time.
  mended_by: releaseRoom
*/
UPDATE meetings
SET date = :date, startTime = :startTime,
    endTime = strftime('%H:%M', :startTime, '+' || (strftime('%s', endTime) - strftime('%s', startTime)) || ' seconds')
WHERE meetingId = :meetingId;
UPDATE invitations SET response = 'pending' WHERE meetingId = :meetingId;
SELECT meetingId, title, date, startTime, endTime FROM meetings WHERE meetingId = :meetingId;
