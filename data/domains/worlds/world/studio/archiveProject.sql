/*
effect: write
takes: {projectId: project}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM projects WHERE project_id = :projectId)
  error: There is no project with this id.
- holds: (SELECT status = 'active' FROM projects WHERE project_id = :projectId)
  error: The project is archived already.
*/
UPDATE projects SET status = 'archived' WHERE project_id = :projectId;
SELECT project_id AS projectId, title, status FROM projects WHERE project_id = :projectId;
