/*
effect: write
takes: {assetId: asset}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM assets WHERE asset_id = :assetId)
  error: There is no asset with this id.
- holds: (SELECT has_background FROM assets WHERE asset_id = :assetId)
  error: The asset has no background.
*/
INSERT INTO versions (version_id, asset_id, number, note, width, height, size_mb, created_on)
SELECT (SELECT MAX(version_id) + 1 FROM versions), asset_id,
       (SELECT MAX(number) + 1 FROM versions WHERE versions.asset_id = assets.asset_id), 'background removed',
       width, height, round(size_mb * 0.7 + 0.1, 1), today()
FROM assets
WHERE asset_id = :assetId;
UPDATE assets
SET has_background = 0, size_mb = round(size_mb * 0.7 + 0.1, 1), status = 'draft'
WHERE asset_id = :assetId;
SELECT asset_id AS assetId, number AS version, note, size_mb AS sizeMb FROM versions WHERE version_id = last_insert_rowid();
