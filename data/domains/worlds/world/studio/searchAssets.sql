/*
takes: {subject: subject}
gives: {assetId: asset, projectId: project}
returns: assets
*/
SELECT asset_id AS assetId, title, kind, width, height, size_mb AS sizeMb, status, project_id AS projectId
FROM assets
WHERE subject = :subject AND (:kind IS NULL OR kind = :kind)
ORDER BY asset_id
LIMIT 20;
