/*
effect: write
takes: {assetId: asset}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM assets WHERE asset_id = :assetId)
  error: There is no asset with this id.
- holds: (SELECT status = 'draft' FROM assets WHERE asset_id = :assetId)
  error: The asset is approved already.
- holds: NOT EXISTS (SELECT 1 FROM comments WHERE asset_id = :assetId AND is_resolved = 0)
  error: The asset has open comments.
  mended_by: resolveAllComments
*/
UPDATE assets SET status = 'approved' WHERE asset_id = :assetId;
SELECT asset_id AS assetId, title, status FROM assets WHERE asset_id = :assetId;
