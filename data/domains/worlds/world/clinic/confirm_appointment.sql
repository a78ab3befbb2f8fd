/*
effect: write
takes: {appointment_id: appointment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM appointments WHERE appointment_id = :appointment_id)
  error: There is no appointment with this number.
- holds: (SELECT status <> 'canceled' FROM appointments WHERE appointment_id = :appointment_id)
  error: The appointment is canceled.
- holds: (SELECT status = 'booked' FROM appointments WHERE appointment_id = :appointment_id)
  error: The appointment is confirmed already.
*/
UPDATE appointments SET status = 'confirmed' WHERE appointment_id = :appointment_id;
SELECT appointment_id, day, time, status
FROM appointments JOIN slots USING (slot_id)
WHERE appointment_id = :appointment_id;
