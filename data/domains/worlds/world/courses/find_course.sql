/*
takes: {title: course_title}
gives: {course_code: course}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM courses WHERE title = :title)
  error: No course has this title.
*/
SELECT course_code, title, department, level, credits
FROM courses
WHERE title = :title;
