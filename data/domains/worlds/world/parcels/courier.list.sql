/*
takes: {depot_id: depot}
gives: {courier_id: courier}
returns: couriers
requires:
- holds: EXISTS (SELECT 1 FROM depots WHERE depot_id = :depot_id)
  error: There is no depot with this number.
*/
SELECT courier_id, name, vehicle, is_on_duty, parcels_today
FROM couriers
WHERE depot_id = :depot_id AND (:vehicle IS NULL OR vehicle = :vehicle)
ORDER BY courier_id
LIMIT 20;
