/*
effect: write
takes: {appointment_id: appointment, slot_id: slot}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM appointments WHERE appointment_id = :appointment_id)
  error: There is no appointment with this number.
- holds: (SELECT status <> 'canceled' FROM appointments WHERE appointment_id = :appointment_id)
  error: The appointment is canceled.
- holds: EXISTS (SELECT 1 FROM slots WHERE slot_id = :slot_id)
  error: There is no slot with this number.
- holds: NOT EXISTS (SELECT 1 FROM appointments WHERE slot_id = :slot_id AND status <> 'canceled')
  error: The slot is taken.
*/
UPDATE appointments SET slot_id = :slot_id, status = 'booked' WHERE appointment_id = :appointment_id;
SELECT appointment_id, doctors.name AS doctor, day, time, status
FROM appointments JOIN slots USING (slot_id) JOIN doctors USING (doctor_id)
WHERE appointment_id = :appointment_id;
