/*
effect: write
takes: {student_id: student}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM students WHERE student_id = :student_id)
  error: There is no student with this number.
- holds: NOT EXISTS (SELECT 1 FROM charges WHERE student_id = :student_id AND status = 'open' AND due_on < today())
  error: The student has overdue charges.
  mended_by: pay_tuition
*/
INSERT INTO transcripts (transcript_id, student_id, copies, delivery, ordered_on)
SELECT COALESCE(MAX(transcript_id), 700) + 1, :student_id, COALESCE(:copies, 1), COALESCE(:delivery, 'email'), today()
FROM transcripts;
SELECT transcript_id, copies, delivery, ordered_on FROM transcripts WHERE transcript_id = last_insert_rowid();
