/*
effect: write
takes: {projectId: project}
gives: {boardId: board}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM projects WHERE project_id = :projectId)
  error: There is no project with this id.
- holds: (SELECT status = 'active' FROM projects WHERE project_id = :projectId)
  error: The project is archived.
  mended_by: reopenProject
- holds: NOT EXISTS (SELECT 1 FROM boards WHERE project_id = :projectId AND title = :title)
  error: The project has a board of this title.
*/
INSERT INTO boards (board_id, project_id, title, shared_with)
SELECT COALESCE(MAX(board_id), 300) + 1, :projectId, :title, NULL FROM boards;
SELECT board_id AS boardId, project_id AS projectId, title FROM boards WHERE board_id = last_insert_rowid();
