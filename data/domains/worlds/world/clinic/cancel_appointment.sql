/*
effect: write
takes: {appointment_id: appointment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM appointments WHERE appointment_id = :appointment_id)
  error: There is no appointment with this number.
- holds: (SELECT status <> 'canceled' FROM appointments WHERE appointment_id = :appointment_id)
  error: The appointment is canceled already.
*/
UPDATE appointments
SET status = 'canceled', reason = COALESCE(:reason, reason)
WHERE appointment_id = :appointment_id;
SELECT appointment_id, status FROM appointments WHERE appointment_id = :appointment_id;
