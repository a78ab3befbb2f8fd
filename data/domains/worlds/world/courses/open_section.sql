/*
effect: write
takes: {course_code: course}
gives: {section_id: section}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM courses WHERE course_code = :course_code)
  error: There is no course with this code.
- holds: NOT EXISTS (SELECT 1 FROM sections WHERE teacher = :teacher AND weekday = :weekday AND starts_at = :starts_at)
  error: The teacher has another section at this time.
*/
INSERT INTO sections (section_id, course_code, teacher, weekday, starts_at, room, seats, seats_left)
SELECT MAX(section_id) + 1, :course_code, :teacher, :weekday, :starts_at,
       'Online ' || (1 + MAX(section_id) % 9), COALESCE(:seats, 24), COALESCE(:seats, 24)
FROM sections;
SELECT section_id, course_code, teacher, weekday, starts_at, room, seats
FROM sections
WHERE section_id = last_insert_rowid();
