/*
takes: {assetId: asset}
gives: {commentId: comment}
returns: comments
requires:
- holds: EXISTS (SELECT 1 FROM assets WHERE asset_id = :assetId)
  error: There is no asset with this id.
*/
SELECT comment_id AS commentId, author, text, posted_on AS postedOn, iif(is_resolved, 'true', 'false') AS isResolved_json
FROM comments
WHERE asset_id = :assetId AND (COALESCE(:openOnly, 0) = 0 OR is_resolved = 0)
ORDER BY posted_on, comment_id
LIMIT 20;
