/*
effect: write
takes: {enrollment_id: enrollment, section_id: section}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: There is no enrollment with this number.
- holds: (SELECT status = 'enrolled' FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: The enrollment is not active.
- holds: EXISTS (SELECT 1 FROM sections WHERE section_id = :section_id)
  error: There is no section with this number.
- holds: (SELECT section_id <> :section_id FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: The student is in this section already.
- holds: >-
    (SELECT old.course_code = new.course_code FROM enrollments
    JOIN sections AS old ON old.section_id = enrollments.section_id
    JOIN sections AS new ON new.section_id = :section_id
    WHERE enrollment_id = :enrollment_id)
  error: The section belongs to another course.
- holds: (SELECT seats_left > 0 FROM sections WHERE section_id = :section_id)
  error: The section is full.
  mended_by: add_seats
*/
UPDATE sections SET seats_left = seats_left + 1
WHERE section_id = (SELECT section_id FROM enrollments WHERE enrollment_id = :enrollment_id);
UPDATE sections SET seats_left = seats_left - 1 WHERE section_id = :section_id;
UPDATE enrollments SET section_id = :section_id WHERE enrollment_id = :enrollment_id;
SELECT enrollment_id, course_code, section_id, teacher, weekday, starts_at, room
FROM enrollments JOIN sections USING (section_id)
WHERE enrollment_id = :enrollment_id;
