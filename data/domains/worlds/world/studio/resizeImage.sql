/*
effect: write
takes: {assetId: asset}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM assets WHERE asset_id = :assetId)
  error: There is no asset with this id.
- holds: (SELECT width <> :widthPx FROM assets WHERE asset_id = :assetId)
  error: The asset has this width already.
*/
INSERT INTO versions (version_id, asset_id, number, note, width, height, size_mb, created_on)
SELECT (SELECT MAX(version_id) + 1 FROM versions), asset_id,
       (SELECT MAX(number) + 1 FROM versions WHERE versions.asset_id = assets.asset_id), 'resized',
       :widthPx, max(1, CAST(round(height * 1.0 * :widthPx / width) AS INTEGER)),
       max(0.1, round(size_mb * :widthPx * :widthPx / (width * width), 1)), today()
FROM assets
WHERE asset_id = :assetId;
UPDATE assets
SET width = made.width, height = made.height, size_mb = made.size_mb, status = 'draft'
FROM (SELECT * FROM versions WHERE version_id = last_insert_rowid()) AS made
WHERE assets.asset_id = :assetId;
SELECT asset_id AS assetId, number AS version, width, height, size_mb AS sizeMb
FROM versions
WHERE version_id = last_insert_rowid();
