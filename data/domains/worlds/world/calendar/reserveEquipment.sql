/*
effect: write
takes: {equipmentId: equipment, meetingId: meeting}
gives: {reservationId: reservation}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM equipment WHERE equipmentId = :equipmentId)
  error: There is no equipment with this id.
- holds: EXISTS (SELECT 1 FROM meetings WHERE meetingId = :meetingId)
  error: There is no meeting with this id.
- holds: (SELECT status = 'scheduled' FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has been called off.
  mended_by: reinstateMeeting
- holds: (SELECT fault IS NULL FROM equipment WHERE equipmentId = :equipmentId)
  error: The equipment is out of order.
  mended_by: markRepaired
- holds: (SELECT roomId IS NOT NULL FROM meetings WHERE meetingId = :meetingId)
  error: The meeting has no room.
  mended_by: reserveRoom
- holds: NOT EXISTS (SELECT 1 FROM reservations WHERE equipmentId = :equipmentId AND meetingId = :meetingId)
  error: The meeting has this equipment already.
- holds: >-
    NOT EXISTS (SELECT 1 FROM reservations JOIN meetings AS other USING (meetingId) JOIN meetings AS own USING (date)
    WHERE equipmentId = :equipmentId AND own.meetingId = :meetingId AND other.startTime < own.endTime AND other.endTime > own.startTime)
  error: Another meeting has this equipment at that time.
*/
INSERT INTO reservations (meetingId, equipmentId) VALUES (:meetingId, :equipmentId);
SELECT reservationId, name AS equipment, title, date, startTime
FROM reservations JOIN equipment USING (equipmentId) JOIN meetings USING (meetingId)
WHERE reservationId = last_insert_rowid();
