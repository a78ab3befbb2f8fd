/*
effect: write
takes: {commentId: comment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM comments WHERE comment_id = :commentId)
  error: There is no comment with this id.
- holds: (SELECT is_resolved = 0 FROM comments WHERE comment_id = :commentId)
  error: The comment is resolved already.
*/
UPDATE comments SET is_resolved = 1 WHERE comment_id = :commentId;
SELECT comment_id AS commentId, asset_id AS assetId,
       (SELECT COUNT(*) FROM comments AS others WHERE others.asset_id = comments.asset_id AND is_resolved = 0) AS commentsOpen
FROM comments
WHERE comment_id = :commentId;
