/*
effect: write
takes: {student_id: student}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM students WHERE student_id = :student_id)
  error: There is no student with this number.
- holds: EXISTS (SELECT 1 FROM charges WHERE student_id = :student_id AND status = 'open')
  error: The student owes nothing.
*/
UPDATE charges SET status = 'paid' WHERE student_id = :student_id AND status = 'open';
SELECT name AS student, changes() AS charges_paid, COALESCE(:method, 'card') AS method
FROM students
WHERE student_id = :student_id;
