/*
takes: {doctor_id: doctor}
gives: {slot_id: slot}
returns: slots
requires:
- holds: EXISTS (SELECT 1 FROM doctors WHERE doctor_id = :doctor_id)
  error: There is no doctor with this number.
*/
SELECT slot_id, day, time, minutes
FROM slots
WHERE doctor_id = :doctor_id
  AND NOT EXISTS (SELECT 1 FROM appointments WHERE appointments.slot_id = slots.slot_id AND status <> 'canceled')
  AND (:part_of_day IS NULL OR (:part_of_day = 'morning') = (time < '12:00'))
ORDER BY day, time
LIMIT 20;
