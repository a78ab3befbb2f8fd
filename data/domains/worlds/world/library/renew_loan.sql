/*
effect: write
takes: {loan_id: loan}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM loans WHERE loan_id = :loan_id)
  error: There is no loan with this number.
- holds: (SELECT returned_on IS NULL FROM loans WHERE loan_id = :loan_id)
  error: The copy has been returned.
- holds: (SELECT renewals < 2 FROM loans WHERE loan_id = :loan_id)
  error: The loan has been renewed twice, which is the limit.
- holds: >-
    NOT EXISTS (SELECT 1 FROM loans JOIN copies USING (copy_id) JOIN holds USING (book_id)
    WHERE loan_id = :loan_id AND status = 'waiting' AND holds.card_number <> loans.card_number)
  error: Somebody is waiting for this book.
*/
UPDATE loans SET due_on = date(max(due_on, today()), '+14 days'), renewals = renewals + 1 WHERE loan_id = :loan_id;
SELECT loan_id, title, due_on, renewals
FROM loans JOIN copies USING (copy_id) JOIN books USING (book_id)
WHERE loan_id = :loan_id;
