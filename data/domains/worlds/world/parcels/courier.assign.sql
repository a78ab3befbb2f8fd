/*
effect: write
takes: {courier_id: courier, tracking_number: parcel}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM couriers WHERE courier_id = :courier_id)
  error: There is no courier with this number.
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
- holds: (SELECT status = 'at_depot' FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is not waiting at a depot.
- holds: (SELECT is_on_duty FROM couriers WHERE courier_id = :courier_id)
  error: The courier is not on duty.
  mended_by: courier.start_shift
*/
UPDATE shipments
SET status = 'out_for_delivery', courier_id = :courier_id, deliver_on = today()
WHERE tracking_number = :tracking_number;
UPDATE couriers SET parcels_today = parcels_today + 1 WHERE courier_id = :courier_id;
INSERT INTO scans (tracking_number, day, what) VALUES (:tracking_number, today(), 'out for delivery');
SELECT tracking_number, status, name AS courier, vehicle
FROM shipments JOIN couriers USING (courier_id)
WHERE tracking_number = :tracking_number;
