/*
effect: write
takes: {student_id: student, section_id: section}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM students WHERE student_id = :student_id)
  error: There is no student with this number.
- holds: EXISTS (SELECT 1 FROM sections WHERE section_id = :section_id)
  error: There is no section with this number.
- holds: >-
    EXISTS (SELECT 1 FROM prerequisites JOIN sections USING (course_code)
    WHERE section_id = :section_id AND required_code NOT IN
    (SELECT course_code FROM grades WHERE student_id = :student_id AND points >= 50))
  error: The student lacks no prerequisite of this course.
- holds: NOT EXISTS (SELECT 1 FROM waivers WHERE student_id = :student_id AND section_id = :section_id)
  error: The student has a waiver for this section already.
*/
INSERT INTO waivers (waiver_id, student_id, section_id, ground)
SELECT COALESCE(MAX(waiver_id), 600) + 1, :student_id, :section_id, COALESCE(:ground, 'other') FROM waivers;
SELECT waiver_id, course_code, ground, 'granted' AS status
FROM waivers JOIN sections USING (section_id)
WHERE waiver_id = last_insert_rowid();
