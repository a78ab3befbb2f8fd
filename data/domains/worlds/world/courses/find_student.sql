/*
takes: {name: student_name}
gives: {student_id: student}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM students WHERE name = :name)
  error: No student has this name.
*/
SELECT student_id, name, program, year
FROM students
WHERE name = :name;
