/*
effect: write
takes: {prescription_id: prescription}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM prescriptions WHERE prescription_id = :prescription_id)
  error: There is no prescription with this number.
*/
UPDATE prescriptions SET pharmacy = :pharmacy WHERE prescription_id = :prescription_id;
SELECT prescription_id, medicine, pharmacy FROM prescriptions WHERE prescription_id = :prescription_id;
