/*
effect: write
takes: {assetId: asset, boardId: board}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM assets WHERE asset_id = :assetId)
  error: There is no asset with this id.
- holds: EXISTS (SELECT 1 FROM boards WHERE board_id = :boardId)
  error: There is no board with this id.
- holds: NOT EXISTS (SELECT 1 FROM pins WHERE board_id = :boardId AND asset_id = :assetId)
  error: The asset is on this board already.
*/
INSERT INTO pins (board_id, asset_id) VALUES (:boardId, :assetId);
SELECT board_id AS boardId, title, (SELECT COUNT(*) FROM pins WHERE pins.board_id = boards.board_id) AS assetCount
FROM boards
WHERE board_id = :boardId;
