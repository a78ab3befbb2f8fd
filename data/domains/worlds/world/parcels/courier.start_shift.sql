/*
effect: write
takes: {courier_id: courier}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM couriers WHERE courier_id = :courier_id)
  error: There is no courier with this number.
- holds: (SELECT is_on_duty = 0 FROM couriers WHERE courier_id = :courier_id)
  error: The courier is on duty already.
*/
UPDATE couriers SET is_on_duty = 1 WHERE courier_id = :courier_id;
SELECT courier_id, name, vehicle, is_on_duty FROM couriers WHERE courier_id = :courier_id;
