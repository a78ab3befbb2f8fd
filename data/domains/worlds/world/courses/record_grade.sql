/*
effect: write
takes: {enrollment_id: enrollment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: There is no enrollment with this number.
- holds: (SELECT status <> 'dropped' FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: The enrollment is dropped.
- holds: (SELECT status <> 'graded' FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: The enrollment has a grade already.
*/
UPDATE enrollments SET status = 'graded' WHERE enrollment_id = :enrollment_id;
INSERT INTO grades (grade_id, student_id, course_code, points, graded_on)
SELECT (SELECT COALESCE(MAX(grade_id), 0) + 1 FROM grades), student_id, course_code, :points, today()
FROM enrollments JOIN sections USING (section_id)
WHERE enrollment_id = :enrollment_id;
SELECT students.name AS student, course_code, points, points >= 50 AS is_passed
FROM grades JOIN students USING (student_id)
WHERE grade_id = last_insert_rowid();
