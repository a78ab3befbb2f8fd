/*
effect: write
takes: {tracking_number: parcel}
gives: {claim_id: claim}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
- holds: (SELECT status IN ('at_depot', 'out_for_delivery', 'delivered') FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel was never sent.
- holds: (SELECT insured_for > 0 FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is not insured.
- holds: NOT EXISTS (SELECT 1 FROM claims WHERE tracking_number = :tracking_number AND status <> 'withdrawn')
  error: There is a claim for this parcel already.
*/
INSERT INTO claims (claim_id, tracking_number, kind, amount, status, opened_on)
SELECT (SELECT COALESCE(MAX(claim_id), 1000) + 1 FROM claims), tracking_number, :kind,
       insured_for * CASE :kind WHEN 'damage' THEN 0.5 WHEN 'missing_items' THEN 0.3 ELSE 0.1 END, 'draft', today()
FROM shipments
WHERE tracking_number = :tracking_number;
SELECT claim_id, tracking_number, kind, amount, status FROM claims WHERE claim_id = last_insert_rowid();
