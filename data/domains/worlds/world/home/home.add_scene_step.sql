/*
effect: write
takes: {scene_id: scene, device_id: device}
gives: {step_id: scene_step}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM scenes WHERE scene_id = :scene_id)
  error: There is no scene with this id.
- holds: EXISTS (SELECT 1 FROM devices WHERE device_id = :device_id)
  error: There is no device with this id.
- holds: (SELECT kind IN ('light', 'plug', 'speaker') FROM devices WHERE device_id = :device_id)
  error: This device cannot be part of a scene.
- holds: NOT EXISTS (SELECT 1 FROM scene_steps WHERE scene_id = :scene_id AND device_id = :device_id)
  error: The scene sets this device already.
*/
INSERT INTO scene_steps (scene_id, device_id, level) VALUES (:scene_id, :device_id, COALESCE(:level, 100));
SELECT step_id, scenes.name AS scene, devices.name AS device, room, scene_steps.level
FROM scene_steps JOIN scenes USING (scene_id) JOIN devices USING (device_id)
WHERE step_id = last_insert_rowid();
