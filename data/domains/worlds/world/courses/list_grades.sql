/*
takes: {student_id: student}
gives: {course_code: course}
returns: grades
requires:
- holds: EXISTS (SELECT 1 FROM students WHERE student_id = :student_id)
  error: There is no student with this number.
*/
SELECT course_code, title, credits, points, points >= 50 AS is_passed, graded_on
FROM grades JOIN courses USING (course_code)
WHERE student_id = :student_id AND (COALESCE(:passed_only, 0) = 0 OR points >= 50)
ORDER BY graded_on DESC, course_code
LIMIT 20;
