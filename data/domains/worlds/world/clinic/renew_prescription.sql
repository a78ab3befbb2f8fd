/*
effect: write
takes: {prescription_id: prescription}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM prescriptions WHERE prescription_id = :prescription_id)
  error: There is no prescription with this number.
- holds: (SELECT refills_left <= 1 FROM prescriptions WHERE prescription_id = :prescription_id)
  error: The prescription has more than one refill left.
*/
UPDATE prescriptions
SET refills_left = refills_left + COALESCE(:refills, 3)
WHERE prescription_id = :prescription_id;
SELECT prescription_id, medicine, refills_left FROM prescriptions WHERE prescription_id = :prescription_id;
