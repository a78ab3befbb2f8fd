/*
effect: write
takes: {assetId: asset}
gives: {exportId: export}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM assets WHERE asset_id = :assetId)
  error: There is no asset with this id.
- holds: (SELECT status = 'approved' FROM assets WHERE asset_id = :assetId)
  error: The asset is not approved.
  mended_by: approveAsset
*/
INSERT INTO exports (export_id, asset_id, format, width, height, created_on, sent_to)
SELECT (SELECT COALESCE(MAX(export_id), 4000) + 1 FROM exports), asset_id, :format, COALESCE(:widthPx, width),
       max(1, CAST(round(height * 1.0 * COALESCE(:widthPx, width) / width) AS INTEGER)), today(), NULL
FROM assets
WHERE asset_id = :assetId;
SELECT export_id AS exportId, lower(asset_id) || '.' || format AS file, width, height FROM exports WHERE export_id = last_insert_rowid();
