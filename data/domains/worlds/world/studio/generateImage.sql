/*
effect: write
takes: {projectId: project}
gives: {assetId: asset}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM projects WHERE project_id = :projectId)
  error: There is no project with this id.
- holds: (SELECT status = 'active' FROM projects WHERE project_id = :projectId)
  error: The project is archived.
  mended_by: reopenProject
*/
INSERT INTO assets (asset_id, project_id, title, kind, subject, width, height, size_mb, has_background, is_ai_generated, status, created_on)
SELECT 'GEN-' || printf('%04d', COALESCE(MAX(CASE WHEN asset_id LIKE 'GEN-%' THEN CAST(substr(asset_id, 5) AS INTEGER) END), 0) + 1),
       :projectId, upper(substr(:prompt, 1, 1)) || substr(:prompt, 2), COALESCE(:kind, 'photo'), NULL,
       CASE COALESCE(:orientation, 'square') WHEN 'landscape' THEN 1536 ELSE 1024 END,
       CASE COALESCE(:orientation, 'square') WHEN 'portrait' THEN 1536 ELSE 1024 END,
       2.4, 1, 1, 'draft', today()
FROM assets;
INSERT INTO versions (version_id, asset_id, number, note, width, height, size_mb, created_on)
SELECT (SELECT MAX(version_id) + 1 FROM versions), asset_id, 1, 'first draft', width, height, size_mb, created_on
FROM assets
ORDER BY asset_id LIKE 'GEN-%' DESC, asset_id DESC
LIMIT 1;
SELECT asset_id AS assetId, assets.title, kind, assets.width, assets.height, status
FROM versions JOIN assets USING (asset_id)
WHERE version_id = last_insert_rowid();
