/*
takes: {section_id: section}
gives: {entry_id: waitlist_entry, student_id: student}
returns: entries
requires:
- holds: EXISTS (SELECT 1 FROM sections WHERE section_id = :section_id)
  error: There is no section with this number.
*/
SELECT row_number() OVER (ORDER BY joined_on, entry_id) AS position, entry_id, student_id, name, joined_on
FROM waitlist JOIN students USING (student_id)
WHERE section_id = :section_id
ORDER BY joined_on, entry_id
LIMIT 20;
