/*
takes: {meetingId: meeting}
gives: {reservationId: reservation, equipmentId: equipment}
returns: reservations
requires:
- holds: EXISTS (SELECT 1 FROM meetings WHERE meetingId = :meetingId)
  error: There is no meeting with this id.
*/
SELECT reservationId, equipmentId, name, kind
FROM reservations JOIN equipment USING (equipmentId)
WHERE meetingId = :meetingId
ORDER BY name
LIMIT 20;
