/*
gives: {equipmentId: equipment}
returns: equipment
*/
SELECT equipmentId, name, boughtOn, fault
FROM equipment
WHERE kind = :kind AND (NOT COALESCE(:workingOnly, 0) OR fault IS NULL)
ORDER BY name
LIMIT 20;
