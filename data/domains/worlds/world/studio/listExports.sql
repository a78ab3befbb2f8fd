/*
takes: {projectId: project}
gives: {exportId: export}
returns: exports
requires:
- holds: EXISTS (SELECT 1 FROM projects WHERE project_id = :projectId)
  error: There is no project with this id.
*/
SELECT export_id AS exportId, title, format, exports.width, exports.height, exports.created_on AS createdOn,
       iif(sent_to IS NULL, 'false', 'true') AS isSent_json
FROM exports JOIN assets USING (asset_id)
WHERE project_id = :projectId
ORDER BY exports.created_on, export_id
LIMIT 20;
