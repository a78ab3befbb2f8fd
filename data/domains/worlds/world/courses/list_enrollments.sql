/*
takes: {student_id: student}
gives: {enrollment_id: enrollment, section_id: section, course_code: course}
returns: enrollments
requires:
- holds: EXISTS (SELECT 1 FROM students WHERE student_id = :student_id)
  error: There is no student with this number.
*/
SELECT enrollment_id, course_code, title, credits, section_id, teacher, weekday, starts_at, status
FROM enrollments JOIN sections USING (section_id) JOIN courses USING (course_code)
WHERE student_id = :student_id AND (COALESCE(:include_dropped, 0) = 1 OR status <> 'dropped')
ORDER BY course_code, enrollment_id
LIMIT 20;
