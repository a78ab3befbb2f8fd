/*
effect: write
takes: {step_id: scene_step}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM scene_steps WHERE step_id = :step_id)
  error: There is no scene step with this id.
*/
DELETE FROM scene_steps WHERE step_id = :step_id;
SELECT :step_id AS step_id, 'removed' AS status;
