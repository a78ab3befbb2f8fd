/*
effect: write
takes: {appointment_id: appointment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM appointments WHERE appointment_id = :appointment_id)
  error: There is no appointment with this number.
- holds: (SELECT status <> 'canceled' FROM appointments WHERE appointment_id = :appointment_id)
  error: The appointment is canceled.
- holds: (SELECT status <> 'checked in' FROM appointments WHERE appointment_id = :appointment_id)
  error: The patient is checked in already.
- holds: (SELECT status <> 'booked' FROM appointments WHERE appointment_id = :appointment_id)
  error: The appointment is not confirmed yet.
  mended_by: confirm_appointment
- holds: >-
    EXISTS (SELECT 1 FROM appointments JOIN slots USING (slot_id) JOIN doctors USING (doctor_id)
    WHERE appointment_id = :appointment_id AND (needs_referral = 0 OR EXISTS (SELECT 1 FROM referrals
    WHERE referrals.patient_id = appointments.patient_id AND referrals.specialty = doctors.specialty
    AND valid_until >= day)))
  error: The specialist needs a referral that is valid on the day.
  mended_by: create_referral
*/
UPDATE appointments SET status = 'checked in' WHERE appointment_id = :appointment_id;
SELECT appointment_id, status, day, time, room
FROM appointments JOIN slots USING (slot_id) JOIN doctors USING (doctor_id)
WHERE appointment_id = :appointment_id;
