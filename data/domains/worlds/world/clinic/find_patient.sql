/*
takes: {name: patient_name}
gives: {patient_id: patient}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM patients WHERE name = :name)
  error: There is no patient of this name.
*/
SELECT patient_id, name, born_on, phone, insurer
FROM patients
WHERE name = :name;
