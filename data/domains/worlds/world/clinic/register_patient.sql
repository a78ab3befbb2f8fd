/*
effect: write
gives: {patient_id: patient}
returns: row
requires:
- holds: NOT EXISTS (SELECT 1 FROM patients WHERE name = :name)
  error: A patient of this name is registered already.
*/
INSERT INTO patients (patient_id, name, born_on, phone, insurer)
SELECT MAX(patient_id) + 1, :name, :born_on, :phone, :insurer FROM patients;
SELECT patient_id, name FROM patients WHERE name = :name;
