/*
effect: write
takes: {fine_id: fine}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM fines WHERE fine_id = :fine_id)
  error: There is no fine with this number.
- holds: (SELECT settled_by IS NULL FROM fines WHERE fine_id = :fine_id)
  error: The fine has been settled already.
*/
UPDATE fines SET settled_by = 'waived' WHERE fine_id = :fine_id;
SELECT fine_id, reason, amount, settled_by FROM fines WHERE fine_id = :fine_id;
