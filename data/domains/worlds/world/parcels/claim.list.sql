/*
takes: {customer_id: sender}
gives: {claim_id: claim}
returns: claims
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE customer_id = :customer_id)
  error: There is no customer with this number.
*/
SELECT claim_id, tracking_number, recipient, kind, amount, claims.status, opened_on,
       (SELECT COUNT(*) FROM evidence WHERE evidence.claim_id = claims.claim_id) AS pieces_of_evidence
FROM claims JOIN shipments USING (tracking_number)
WHERE customer_id = :customer_id AND (:status IS NULL OR claims.status = :status)
ORDER BY opened_on, claim_id
LIMIT 20;
