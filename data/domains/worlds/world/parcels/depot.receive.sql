/*
effect: write
takes: {depot_id: depot, tracking_number: parcel}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM depots WHERE depot_id = :depot_id)
  error: There is no depot with this number.
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
- holds: (SELECT status = 'registered' FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is not waiting to be sent.
- holds: (SELECT has_label FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel has no label.
  mended_by: label.create
*/
UPDATE pickups SET is_canceled = 1 WHERE tracking_number = :tracking_number;
UPDATE shipments SET status = 'at_depot', depot_id = :depot_id WHERE tracking_number = :tracking_number;
INSERT INTO scans (tracking_number, day, what)
SELECT :tracking_number, today(), 'arrived at ' || name FROM depots WHERE depot_id = :depot_id;
SELECT tracking_number, status, name AS depot, city
FROM shipments JOIN depots USING (depot_id)
WHERE tracking_number = :tracking_number;
