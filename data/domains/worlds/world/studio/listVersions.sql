/*
takes: {assetId: asset}
gives: {versionId: version}
returns: versions
requires:
- holds: EXISTS (SELECT 1 FROM assets WHERE asset_id = :assetId)
  error: There is no asset with this id.
*/
SELECT version_id AS versionId, number, note, width, height, size_mb AS sizeMb, created_on AS createdOn
FROM versions
WHERE asset_id = :assetId
ORDER BY number
LIMIT 20;
