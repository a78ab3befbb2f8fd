/*
takes: {scene_id: scene}
gives: {schedule_id: schedule}
returns: schedules
requires:
- holds: EXISTS (SELECT 1 FROM scenes WHERE scene_id = :scene_id)
  error: There is no scene with this id.
*/
SELECT schedule_id, time, days, is_paused FROM schedules WHERE scene_id = :scene_id ORDER BY time, schedule_id LIMIT 20;
