/*
effect: write
takes: {schedule_id: schedule}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM schedules WHERE schedule_id = :schedule_id)
  error: There is no schedule with this id.
- holds: (SELECT NOT is_paused FROM schedules WHERE schedule_id = :schedule_id)
  error: The schedule is paused already.
*/
UPDATE schedules SET is_paused = 1 WHERE schedule_id = :schedule_id;
SELECT schedule_id, name AS scene, time, days, is_paused FROM schedules JOIN scenes USING (scene_id) WHERE schedule_id = :schedule_id;
