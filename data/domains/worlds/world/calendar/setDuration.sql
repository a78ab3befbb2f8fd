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
- holds: (SELECT strftime('%H:%M', startTime, '+' || :minutes || ' minutes') > startTime FROM meetings WHERE meetingId = :meetingId)
  error: The meeting must end before midnight.
- holds: (SELECT strftime('%s', endTime) - strftime('%s', startTime) <> 60 * :minutes FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has this length already.
- holds: >-
    NOT EXISTS (SELECT 1 FROM meetings AS kept JOIN meetings AS other USING (roomId, date)
    WHERE kept.meetingId = :meetingId AND other.meetingId <> :meetingId AND other.status = 'scheduled'
    AND other.startTime < strftime('%H:%M', kept.startTime, '+' || :minutes || ' minutes') AND other.endTime > kept.startTime)
  error: The room is taken by another meeting before the end.
  mended_by: releaseRoom
*/
UPDATE meetings SET endTime = strftime('%H:%M', startTime, '+' || :minutes || ' minutes') WHERE meetingId = :meetingId;
SELECT meetingId, title, date, startTime, endTime FROM meetings WHERE meetingId = :meetingId;
