/*
takes: {clientId: client}
gives: {projectId: project}
returns: projects
requires:
- holds: EXISTS (SELECT 1 FROM clients WHERE client_id = :clientId)
  error: There is no client with this id.
*/
SELECT project_id AS projectId, title, deadline, budget, status
FROM projects
WHERE client_id = :clientId AND (:status IS NULL OR status = :status)
ORDER BY deadline, project_id
LIMIT 20;
