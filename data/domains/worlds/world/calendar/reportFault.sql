/*
effect: write
takes: {equipmentId: equipment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM equipment WHERE equipmentId = :equipmentId)
  error: There is no equipment with this id.
- holds: (SELECT fault IS NULL FROM equipment WHERE equipmentId = :equipmentId)
  error: The equipment is out of order already.
*/
UPDATE equipment SET fault = :fault WHERE equipmentId = :equipmentId;
SELECT equipmentId, name, kind, fault FROM equipment WHERE equipmentId = :equipmentId;
