/*
effect: write
takes: {equipmentId: equipment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM equipment WHERE equipmentId = :equipmentId)
  error: There is no equipment with this id.
- holds: (SELECT fault IS NOT NULL FROM equipment WHERE equipmentId = :equipmentId)
  error: The equipment works.
*/
UPDATE equipment SET fault = NULL WHERE equipmentId = :equipmentId;
SELECT equipmentId, name, kind, 'working' AS status FROM equipment WHERE equipmentId = :equipmentId;
