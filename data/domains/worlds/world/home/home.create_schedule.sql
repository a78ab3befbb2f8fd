/*
effect: write
takes: {scene_id: scene}
gives: {schedule_id: schedule}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM scenes WHERE scene_id = :scene_id)
  error: There is no scene with this id.
- holds: EXISTS (SELECT 1 FROM scene_steps WHERE scene_id = :scene_id)
  error: The scene is empty.
  mended_by: home.add_scene_step
- holds: strftime('%H:%M', :time) = :time
  error: The time must be HH:MM on the 24-hour clock.
- holds: NOT EXISTS (SELECT 1 FROM schedules WHERE scene_id = :scene_id AND time = :time AND days = COALESCE(:days, 'every_day'))
  error: The scene has this schedule already.
*/
INSERT INTO schedules (scene_id, time, days, is_paused) VALUES (:scene_id, :time, COALESCE(:days, 'every_day'), 0);
SELECT schedule_id, name AS scene, time, days FROM schedules JOIN scenes USING (scene_id) WHERE schedule_id = last_insert_rowid();
