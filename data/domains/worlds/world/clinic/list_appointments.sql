/*
takes: {patient_id: patient}
gives: {appointment_id: appointment, doctor_id: doctor}
returns: appointments
requires:
- holds: EXISTS (SELECT 1 FROM patients WHERE patient_id = :patient_id)
  error: There is no patient with this number.
*/
SELECT appointment_id, doctor_id, doctors.name AS doctor, specialty, day, time, minutes, status
FROM appointments JOIN slots USING (slot_id) JOIN doctors USING (doctor_id)
WHERE patient_id = :patient_id AND (status = :status OR :status IS NULL AND status <> 'canceled')
ORDER BY day, time, appointment_id
LIMIT 20;
