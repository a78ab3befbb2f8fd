/*
effect: write
takes: {claim_id: claim}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM claims WHERE claim_id = :claim_id)
  error: There is no claim with this number.
- holds: (SELECT status = 'draft' FROM claims WHERE claim_id = :claim_id)
  error: The claim is not open for evidence anymore.
- holds: NOT EXISTS (SELECT 1 FROM evidence WHERE claim_id = :claim_id AND kind = :kind)
  error: The claim has evidence of this kind already.
*/
INSERT INTO evidence (claim_id, kind) VALUES (:claim_id, :kind);
SELECT claim_id, kind AS added, (SELECT COUNT(*) FROM evidence WHERE claim_id = :claim_id) AS pieces_of_evidence
FROM evidence
WHERE evidence_id = last_insert_rowid();
