/*
effect: write
takes: {tracking_number: parcel}
gives: {pickup_id: pickup}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
- holds: (SELECT status = 'registered' FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is not waiting to be sent.
- holds: NOT EXISTS (SELECT 1 FROM pickups WHERE tracking_number = :tracking_number AND is_canceled = 0)
  error: A pickup is booked for this parcel already.
- holds: (SELECT has_label FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel has no label.
  mended_by: label.create
*/
INSERT INTO pickups (pickup_id, tracking_number, day, time_window, is_canceled)
SELECT COALESCE(MAX(pickup_id), 1000) + 1, :tracking_number, :day, COALESCE(:window, 'morning'), 0 FROM pickups;
SELECT pickup_id, tracking_number, day, time_window FROM pickups WHERE pickup_id = last_insert_rowid();
