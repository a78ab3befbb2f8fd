/*
gives: {course_code: course}
returns: courses
*/
SELECT course_code, title, level, credits,
       EXISTS (SELECT 1 FROM prerequisites WHERE prerequisites.course_code = courses.course_code) AS has_prerequisites
FROM courses
WHERE department = :department
  AND (:level IS NULL OR level = :level)
  AND (:max_credits IS NULL OR credits <= :max_credits)
ORDER BY course_code
LIMIT 20;
