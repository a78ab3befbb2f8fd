/*
effect: write
takes: {patient_id: patient}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM patients WHERE patient_id = :patient_id)
  error: There is no patient with this number.
*/
UPDATE patients SET phone = :phone WHERE patient_id = :patient_id;
SELECT patient_id, name, phone FROM patients WHERE patient_id = :patient_id;
