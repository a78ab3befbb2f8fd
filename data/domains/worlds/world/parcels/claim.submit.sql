/*
effect: write
takes: {claim_id: claim}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM claims WHERE claim_id = :claim_id)
  error: There is no claim with this number.
- holds: (SELECT status <> 'submitted' FROM claims WHERE claim_id = :claim_id)
  error: The claim is submitted already.
- holds: (SELECT status <> 'withdrawn' FROM claims WHERE claim_id = :claim_id)
  error: The claim was withdrawn.
- holds: EXISTS (SELECT 1 FROM evidence WHERE claim_id = :claim_id)
  error: The claim has no evidence.
  mended_by: claim.add_evidence
*/
UPDATE claims SET status = 'submitted' WHERE claim_id = :claim_id;
SELECT claim_id, tracking_number, kind, amount, status, date(today(), '+14 days') AS answer_by
FROM claims
WHERE claim_id = :claim_id;
