/*
effect: write
takes: {pickup_id: pickup}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM pickups WHERE pickup_id = :pickup_id)
  error: There is no pickup with this number.
- holds: (SELECT is_canceled = 0 FROM pickups WHERE pickup_id = :pickup_id)
  error: The pickup is canceled already.
*/
UPDATE pickups SET is_canceled = 1 WHERE pickup_id = :pickup_id;
SELECT pickup_id, tracking_number, 'canceled' AS status FROM pickups WHERE pickup_id = :pickup_id;
