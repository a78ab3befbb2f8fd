/*
takes: {patient_id: patient}
gives: {invoice_id: invoice}
returns: invoices
requires:
- holds: EXISTS (SELECT 1 FROM patients WHERE patient_id = :patient_id)
  error: There is no patient with this number.
*/
SELECT invoice_id, service, amount, due_on, paid_by IS NOT NULL AS is_paid
FROM invoices
WHERE patient_id = :patient_id AND (COALESCE(:unpaid_only, 0) = 0 OR paid_by IS NULL)
ORDER BY due_on, invoice_id
LIMIT 20;
