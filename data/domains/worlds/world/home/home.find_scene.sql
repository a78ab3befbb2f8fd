/*
takes: {name: scene_name}
gives: {scene_id: scene}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM scenes WHERE name = :name)
  error: There is no scene of this name.
*/
SELECT scene_id, name, last_started_on, (SELECT COUNT(*) FROM scene_steps WHERE scene_steps.scene_id = scenes.scene_id) AS steps
FROM scenes
WHERE name = :name;
