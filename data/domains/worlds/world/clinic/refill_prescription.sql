/*
effect: write
takes: {prescription_id: prescription}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM prescriptions WHERE prescription_id = :prescription_id)
  error: There is no prescription with this number.
- holds: (SELECT last_filled_on IS NULL OR last_filled_on < today() FROM prescriptions WHERE prescription_id = :prescription_id)
  error: The prescription was filled today.
- holds: (SELECT refills_left > 0 FROM prescriptions WHERE prescription_id = :prescription_id)
  error: The prescription has no refills left.
  mended_by: renew_prescription
- holds: (SELECT pharmacy IS NOT NULL FROM prescriptions WHERE prescription_id = :prescription_id)
  error: The prescription has no pharmacy.
  mended_by: set_pharmacy
*/
UPDATE prescriptions
SET refills_left = refills_left - 1, last_filled_on = today()
WHERE prescription_id = :prescription_id;
SELECT prescription_id, medicine, dose_mg, pharmacy, refills_left
FROM prescriptions
WHERE prescription_id = :prescription_id;
