/*
takes: {course_code: course}
gives: {course_code: course}
returns: prerequisites
requires:
- holds: EXISTS (SELECT 1 FROM courses WHERE course_code = :course_code)
  error: There is no course with this code.
*/
SELECT courses.course_code, title, level, credits
FROM prerequisites JOIN courses ON courses.course_code = required_code
WHERE prerequisites.course_code = :course_code
ORDER BY courses.course_code
LIMIT 20;
