/*
effect: write
takes: {scene_id: scene}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM scenes WHERE scene_id = :scene_id)
  error: There is no scene with this id.
- holds: EXISTS (SELECT 1 FROM scene_steps WHERE scene_id = :scene_id)
  error: The scene is empty.
  mended_by: home.add_scene_step
*/
UPDATE devices
SET level = CASE kind WHEN 'plug' THEN level ELSE (SELECT level FROM scene_steps WHERE scene_id = :scene_id AND scene_steps.device_id = devices.device_id) END,
    is_on = (SELECT level > 0 FROM scene_steps WHERE scene_id = :scene_id AND scene_steps.device_id = devices.device_id)
WHERE status = 'online' AND COALESCE(battery, 1) > 0 AND device_id IN (SELECT device_id FROM scene_steps WHERE scene_id = :scene_id);
UPDATE scenes SET last_started_on = today() WHERE scene_id = :scene_id;
SELECT scene_id, name, (SELECT COUNT(*) FROM scene_steps JOIN devices USING (device_id) WHERE scene_id = :scene_id AND status = 'online' AND COALESCE(battery, 1) > 0) AS devices_set,
       (SELECT COUNT(*) FROM scene_steps JOIN devices USING (device_id) WHERE scene_id = :scene_id AND NOT (status = 'online' AND COALESCE(battery, 1) > 0)) AS devices_not_set
FROM scenes
WHERE scene_id = :scene_id;
