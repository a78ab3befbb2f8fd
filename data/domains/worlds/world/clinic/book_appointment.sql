/*
effect: write
takes: {patient_id: patient, slot_id: slot}
gives: {appointment_id: appointment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM patients WHERE patient_id = :patient_id)
  error: There is no patient with this number.
- holds: EXISTS (SELECT 1 FROM slots WHERE slot_id = :slot_id)
  error: There is no slot with this number.
- holds: NOT EXISTS (SELECT 1 FROM appointments WHERE slot_id = :slot_id AND status <> 'canceled')
  error: The slot is taken.
- holds: NOT EXISTS (SELECT 1 FROM invoices WHERE patient_id = :patient_id AND paid_by IS NULL AND due_on < today())
  error: The patient has overdue invoices.
  mended_by: settle_account
*/
INSERT INTO appointments (appointment_id, patient_id, slot_id, reason, is_video, status)
SELECT COALESCE(MAX(appointment_id), 1000) + 1, :patient_id, :slot_id, :reason, COALESCE(:video, 0), 'booked'
FROM appointments;
SELECT appointment_id, doctors.name AS doctor, day, time, status
FROM appointments JOIN slots USING (slot_id) JOIN doctors USING (doctor_id)
WHERE appointment_id = last_insert_rowid();
