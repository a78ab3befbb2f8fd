/*
effect: write
takes: {enrollment_id: enrollment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: There is no enrollment with this number.
- holds: (SELECT status <> 'dropped' FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: The enrollment is dropped already.
- holds: (SELECT status <> 'graded' FROM enrollments WHERE enrollment_id = :enrollment_id)
  error: The enrollment has a grade and cannot be dropped.
*/
UPDATE sections SET seats_left = seats_left + 1
WHERE section_id = (SELECT section_id FROM enrollments WHERE enrollment_id = :enrollment_id);
UPDATE enrollments SET status = 'dropped' WHERE enrollment_id = :enrollment_id;
SELECT enrollment_id, course_code, status
FROM enrollments JOIN sections USING (section_id)
WHERE enrollment_id = :enrollment_id;
