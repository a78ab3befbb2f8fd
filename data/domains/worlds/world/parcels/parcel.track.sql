/*
takes: {tracking_number: parcel}
gives: {depot_id: depot, courier_id: courier}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
*/
SELECT tracking_number, status, depot_id, courier_id, deliver_on, time_window,
       (SELECT json_group_array(json_object('day', day, 'what', what))
        FROM (SELECT day, what FROM scans WHERE scans.tracking_number = shipments.tracking_number
              ORDER BY day DESC, scan_id DESC LIMIT 5)) AS scans_json
FROM shipments
WHERE tracking_number = :tracking_number;
