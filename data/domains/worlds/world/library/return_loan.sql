/*
effect: write
takes: {loan_id: loan}
gives: {copy_id: copy}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM loans WHERE loan_id = :loan_id)
  error: There is no loan with this number.
- holds: (SELECT returned_on IS NULL FROM loans WHERE loan_id = :loan_id)
  error: The copy has been returned already.
*/
INSERT INTO fines (fine_id, card_number, reason, title, amount, issued_on)
SELECT (SELECT COALESCE(MAX(fine_id), 100) + 1 FROM fines), card_number, 'late return', title,
       min(20.0, 0.25 * (julianday(today()) - julianday(due_on))), today()
FROM loans JOIN copies USING (copy_id) JOIN books USING (book_id)
WHERE loan_id = :loan_id AND due_on < today();
UPDATE loans SET returned_on = today() WHERE loan_id = :loan_id;
SELECT loan_id, copy_id, title, CAST(max(0, julianday(returned_on) - julianday(due_on)) AS INTEGER) AS days_late,
       min(20.0, 0.25 * max(0, julianday(returned_on) - julianday(due_on))) AS fine
FROM loans JOIN copies USING (copy_id) JOIN books USING (book_id)
WHERE loan_id = :loan_id;
