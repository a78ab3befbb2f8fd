/*
effect: write
takes: {clientId: client}
gives: {projectId: project}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM clients WHERE client_id = :clientId)
  error: There is no client with this id.
- holds: NOT EXISTS (SELECT 1 FROM projects WHERE title = :title)
  error: There is a project of this title already.
*/
INSERT INTO projects (project_id, title, client_id, deadline, budget, status)
SELECT 'PRJ-' || (MAX(CAST(substr(project_id, 5) AS INTEGER)) + 1), :title, :clientId, :deadline, :budget, 'active'
FROM projects;
SELECT project_id AS projectId, title, deadline, budget, status FROM projects WHERE rowid = last_insert_rowid();
