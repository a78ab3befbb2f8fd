/*
effect: write
takes: {depot_id: depot, tracking_number: parcel}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM depots WHERE depot_id = :depot_id)
  error: There is no depot with this number.
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
- holds: (SELECT status IN ('at_depot', 'out_for_delivery') FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is not on its way.
- holds: (SELECT lockers_free > 0 FROM depots WHERE depot_id = :depot_id)
  error: The depot has no free locker.
*/
UPDATE depots SET lockers_free = lockers_free - 1 WHERE depot_id = :depot_id;
UPDATE shipments
SET status = 'at_depot', depot_id = :depot_id, courier_id = NULL, instructions = 'collect from locker'
WHERE tracking_number = :tracking_number;
INSERT INTO scans (tracking_number, day, what)
SELECT :tracking_number, today(), 'redirected to ' || name FROM depots WHERE depot_id = :depot_id;
SELECT tracking_number, name AS depot, city, closes_at, substr(tracking_number, -4) AS locker_code
FROM shipments JOIN depots USING (depot_id)
WHERE tracking_number = :tracking_number;
