/*
takes: {student_id: student}
gives: {charge_id: charge}
returns: charges
requires:
- holds: EXISTS (SELECT 1 FROM students WHERE student_id = :student_id)
  error: There is no student with this number.
*/
SELECT charge_id, purpose, amount, due_on, installments, status
FROM charges
WHERE student_id = :student_id AND (COALESCE(:open_only, 0) = 0 OR status = 'open')
ORDER BY due_on, charge_id
LIMIT 20;
