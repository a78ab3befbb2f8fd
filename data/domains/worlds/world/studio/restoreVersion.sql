/*
effect: write
takes: {versionId: version}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM versions WHERE version_id = :versionId)
  error: There is no version with this id.
- holds: >-
    (SELECT number < (SELECT MAX(number) FROM versions AS others WHERE others.asset_id = versions.asset_id)
    FROM versions WHERE version_id = :versionId)
  error: This is the current version.
*/
INSERT INTO versions (version_id, asset_id, number, note, width, height, size_mb, created_on)
SELECT (SELECT MAX(version_id) + 1 FROM versions), asset_id,
       (SELECT MAX(number) + 1 FROM versions AS others WHERE others.asset_id = versions.asset_id),
       'restored version ' || number, width, height, size_mb, today()
FROM versions
WHERE version_id = :versionId;
UPDATE assets
SET width = made.width, height = made.height, size_mb = made.size_mb, status = 'draft'
FROM (SELECT * FROM versions WHERE version_id = last_insert_rowid()) AS made
WHERE assets.asset_id = made.asset_id;
SELECT asset_id AS assetId, number AS version, note, width, height FROM versions WHERE version_id = last_insert_rowid();
