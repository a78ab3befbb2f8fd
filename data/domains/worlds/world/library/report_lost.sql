/*
effect: write
takes: {loan_id: loan}
gives: {fine_id: fine}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM loans WHERE loan_id = :loan_id)
  error: There is no loan with this number.
- holds: (SELECT returned_on IS NULL FROM loans WHERE loan_id = :loan_id)
  error: The copy has been returned already.
*/
INSERT INTO fines (fine_id, card_number, reason, title, amount, issued_on)
SELECT (SELECT COALESCE(MAX(fine_id), 100) + 1 FROM fines), card_number, 'lost copy', title,
       CASE format WHEN 'hardcover' THEN 28.0 WHEN 'paperback' THEN 16.0 ELSE 35.0 END, today()
FROM loans JOIN copies USING (copy_id) JOIN books USING (book_id)
WHERE loan_id = :loan_id;
UPDATE copies SET condition = 'lost' WHERE copy_id = (SELECT copy_id FROM loans WHERE loan_id = :loan_id);
UPDATE loans SET returned_on = today() WHERE loan_id = :loan_id;
SELECT fine_id, reason, title, amount FROM fines WHERE fine_id = (SELECT MAX(fine_id) FROM fines);
