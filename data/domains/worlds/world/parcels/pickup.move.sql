/*
effect: write
takes: {pickup_id: pickup}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM pickups WHERE pickup_id = :pickup_id)
  error: There is no pickup with this number.
- holds: (SELECT is_canceled = 0 FROM pickups WHERE pickup_id = :pickup_id)
  error: The pickup is canceled.
*/
UPDATE pickups
SET day = :day, time_window = COALESCE(:window, time_window)
WHERE pickup_id = :pickup_id;
SELECT pickup_id, tracking_number, day, time_window FROM pickups WHERE pickup_id = :pickup_id;
