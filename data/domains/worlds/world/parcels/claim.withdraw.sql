/*
effect: write
takes: {claim_id: claim}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM claims WHERE claim_id = :claim_id)
  error: There is no claim with this number.
- holds: (SELECT status <> 'withdrawn' FROM claims WHERE claim_id = :claim_id)
  error: The claim was withdrawn already.
*/
UPDATE claims SET status = 'withdrawn' WHERE claim_id = :claim_id;
SELECT claim_id, tracking_number, status FROM claims WHERE claim_id = :claim_id;
