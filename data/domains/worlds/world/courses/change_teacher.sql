/*
effect: write
takes: {section_id: section}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM sections WHERE section_id = :section_id)
  error: There is no section with this number.
- holds: (SELECT teacher <> :teacher FROM sections WHERE section_id = :section_id)
  error: The section has this teacher already.
*/
UPDATE sections SET teacher = :teacher WHERE section_id = :section_id;
SELECT section_id, course_code, teacher, weekday, starts_at FROM sections WHERE section_id = :section_id;
