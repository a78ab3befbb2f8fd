/*
takes: {title: project_title}
gives: {projectId: project, clientId: client}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM projects WHERE title = :title)
  error: No project has this title.
*/
SELECT project_id AS projectId, title, client_id AS clientId, deadline, budget, status FROM projects WHERE title = :title;
