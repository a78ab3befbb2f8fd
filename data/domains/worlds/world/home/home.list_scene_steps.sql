/*
takes: {scene_id: scene}
gives: {step_id: scene_step, device_id: device}
returns: steps
requires:
- holds: EXISTS (SELECT 1 FROM scenes WHERE scene_id = :scene_id)
  error: There is no scene with this id.
*/
SELECT step_id, device_id, name, room, scene_steps.level
FROM scene_steps JOIN devices USING (device_id)
WHERE scene_id = :scene_id
ORDER BY step_id
LIMIT 20;
