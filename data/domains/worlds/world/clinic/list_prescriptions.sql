/*
takes: {patient_id: patient}
gives: {prescription_id: prescription}
returns: prescriptions
requires:
- holds: EXISTS (SELECT 1 FROM patients WHERE patient_id = :patient_id)
  error: There is no patient with this number.
*/
SELECT prescription_id, medicine, dose_mg, refills_left, pharmacy, last_filled_on, doctors.name AS doctor
FROM prescriptions JOIN doctors USING (doctor_id)
WHERE patient_id = :patient_id AND (COALESCE(:refillable_only, 0) = 0 OR refills_left > 0)
ORDER BY medicine, prescription_id
LIMIT 20;
