/*
effect: write
takes: {tracking_number: parcel}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
- holds: (SELECT status IN ('registered', 'at_depot') FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel can no longer be insured.
- holds: (SELECT insured_for = 0 FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is insured already.
*/
UPDATE shipments SET insured_for = :value WHERE tracking_number = :tracking_number;
SELECT tracking_number, insured_for, round(insured_for * 0.015, 2) AS premium
FROM shipments
WHERE tracking_number = :tracking_number;
