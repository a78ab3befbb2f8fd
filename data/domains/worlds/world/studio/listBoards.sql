/*
takes: {projectId: project}
gives: {boardId: board}
returns: boards
requires:
- holds: EXISTS (SELECT 1 FROM projects WHERE project_id = :projectId)
  error: There is no project with this id.
*/
SELECT board_id AS boardId, title, (SELECT COUNT(*) FROM pins WHERE pins.board_id = boards.board_id) AS assetCount,
       iif(shared_with IS NULL, 'false', 'true') AS isShared_json
FROM boards
WHERE project_id = :projectId
ORDER BY board_id
LIMIT 20;
