/*
effect: write
takes: {assetId: asset}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM assets WHERE asset_id = :assetId)
  error: There is no asset with this id.
*/
INSERT INTO comments (comment_id, asset_id, author, text, posted_on, is_resolved)
SELECT COALESCE(MAX(comment_id), 1000) + 1, :assetId, 'Studio', :text, today(), 0 FROM comments;
SELECT comment_id AS commentId, asset_id AS assetId, text FROM comments WHERE comment_id = last_insert_rowid();
