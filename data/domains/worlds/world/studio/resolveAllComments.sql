/*
effect: write
takes: {assetId: asset}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM assets WHERE asset_id = :assetId)
  error: There is no asset with this id.
- holds: EXISTS (SELECT 1 FROM comments WHERE asset_id = :assetId AND is_resolved = 0)
  error: The asset has no open comments.
*/
UPDATE comments SET is_resolved = 1 WHERE asset_id = :assetId AND is_resolved = 0;
SELECT :assetId AS assetId, changes() AS commentsResolved;
