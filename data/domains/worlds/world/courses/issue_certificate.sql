/*
effect: write
takes: {enrollment_id: enrollment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: There is no enrollment with this number.
- holds: (SELECT status <> 'dropped' FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: The enrollment is dropped.
- holds: (SELECT has_certificate = 0 FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: There is a certificate for this enrollment already.
- holds: (SELECT status = 'graded' FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: The enrollment has no grade yet.
  mended_by: record_grade
*/
UPDATE enrollments SET has_certificate = 1 WHERE enrollment_id = :enrollment_id;
SELECT enrollment_id, students.name AS student, title, COALESCE(:language, 'English') AS language
FROM enrollments JOIN students USING (student_id) JOIN sections USING (section_id) JOIN courses USING (course_code)
WHERE enrollment_id = :enrollment_id;
