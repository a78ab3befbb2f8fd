/*
effect: write
takes: {schedule_id: schedule}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM schedules WHERE schedule_id = :schedule_id)
  error: There is no schedule with this id.
- holds: (SELECT is_paused FROM schedules WHERE schedule_id = :schedule_id)
  error: The schedule is not paused.
*/
UPDATE schedules SET is_paused = 0 WHERE schedule_id = :schedule_id;
SELECT schedule_id, name AS scene, time, days, is_paused FROM schedules JOIN scenes USING (scene_id) WHERE schedule_id = :schedule_id;
