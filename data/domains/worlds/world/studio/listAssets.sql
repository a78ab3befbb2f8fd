/*
takes: {projectId: project}
gives: {assetId: asset}
returns: assets
requires:
- holds: EXISTS (SELECT 1 FROM projects WHERE project_id = :projectId)
  error: There is no project with this id.
*/
SELECT asset_id AS assetId, title, kind, width, height, size_mb AS sizeMb, status, created_on AS createdOn
FROM assets
WHERE project_id = :projectId AND (:status IS NULL OR status = :status)
ORDER BY created_on, asset_id
LIMIT 20;
