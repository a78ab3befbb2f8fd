/*
takes: {course_code: course}
gives: {section_id: section}
returns: sections
requires:
- holds: EXISTS (SELECT 1 FROM courses WHERE course_code = :course_code)
  error: There is no course with this code.
*/
SELECT section_id, teacher, weekday, starts_at, room, seats_left
FROM sections
WHERE course_code = :course_code AND (COALESCE(:open_only, 0) = 0 OR seats_left > 0)
ORDER BY section_id
LIMIT 20;
