/*
effect: write
takes: {student_id: student, section_id: section}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM students WHERE student_id = :student_id)
  error: There is no student with this number.
- holds: EXISTS (SELECT 1 FROM sections WHERE section_id = :section_id)
  error: There is no section with this number.
- holds: (SELECT seats_left = 0 FROM sections WHERE section_id = :section_id)
  error: The section still has free seats.
- holds: >-
    NOT EXISTS (SELECT 1 FROM enrollments
    WHERE student_id = :student_id AND section_id = :section_id AND status <> 'dropped')
  error: The student is in this section already.
- holds: NOT EXISTS (SELECT 1 FROM waitlist WHERE student_id = :student_id AND section_id = :section_id)
  error: The student is on this waitlist already.
*/
INSERT INTO waitlist (entry_id, student_id, section_id, joined_on)
SELECT COALESCE(MAX(entry_id), 1000) + 1, :student_id, :section_id, today() FROM waitlist;
SELECT entry_id, section_id,
       (SELECT COUNT(*) FROM waitlist AS others WHERE others.section_id = waitlist.section_id) AS position
FROM waitlist
WHERE entry_id = last_insert_rowid();
