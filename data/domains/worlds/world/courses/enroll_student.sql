/*
effect: write
takes: {student_id: student, section_id: section}
gives: {enrollment_id: enrollment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM students WHERE student_id = :student_id)
  error: There is no student with this number.
- holds: EXISTS (SELECT 1 FROM sections WHERE section_id = :section_id)
  error: There is no section with this number.
- holds: >-
    NOT EXISTS (SELECT 1 FROM enrollments JOIN sections USING (section_id)
    WHERE student_id = :student_id AND status <> 'dropped'
    AND course_code = (SELECT course_code FROM sections WHERE section_id = :section_id))
  error: The student takes this course already.
- holds: >-
    NOT EXISTS (SELECT 1 FROM enrollments JOIN sections USING (section_id)
    JOIN sections AS wanted ON wanted.section_id = :section_id
    WHERE student_id = :student_id AND status = 'enrolled'
    AND sections.weekday = wanted.weekday AND sections.starts_at = wanted.starts_at)
  error: The student has another section at this time.
- holds: >-
    NOT EXISTS (SELECT 1 FROM prerequisites JOIN sections USING (course_code)
    WHERE section_id = :section_id AND required_code NOT IN
    (SELECT course_code FROM grades WHERE student_id = :student_id AND points >= 50))
    OR EXISTS (SELECT 1 FROM waivers WHERE student_id = :student_id AND section_id = :section_id)
  error: The student has not passed the prerequisites of the course.
  mended_by: request_waiver
- holds: NOT EXISTS (SELECT 1 FROM charges WHERE student_id = :student_id AND status = 'open' AND due_on < today())
  error: The student has overdue charges.
  mended_by: pay_tuition
- holds: (SELECT seats_left > 0 FROM sections WHERE section_id = :section_id)
  error: The section is full.
  mended_by: add_seats
*/
UPDATE sections SET seats_left = seats_left - 1 WHERE section_id = :section_id;
DELETE FROM waitlist WHERE student_id = :student_id AND section_id = :section_id;
INSERT INTO enrollments (enrollment_id, student_id, section_id, status, has_certificate)
SELECT COALESCE(MAX(enrollment_id), 30000) + 1, :student_id, :section_id, 'enrolled', 0 FROM enrollments;
SELECT enrollment_id, course_code, title, weekday, starts_at, room
FROM enrollments JOIN sections USING (section_id) JOIN courses USING (course_code)
WHERE enrollment_id = last_insert_rowid();
