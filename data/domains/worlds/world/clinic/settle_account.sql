/*
effect: write
takes: {patient_id: patient}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM patients WHERE patient_id = :patient_id)
  error: There is no patient with this number.
- holds: EXISTS (SELECT 1 FROM invoices WHERE patient_id = :patient_id AND paid_by IS NULL)
  error: The patient has no unpaid invoices.
*/
UPDATE invoices
SET paid_by = COALESCE(:method, 'card')
WHERE patient_id = :patient_id AND paid_by IS NULL;
SELECT :patient_id AS patient_id, changes() AS invoices_paid, COALESCE(:method, 'card') AS paid_by;
