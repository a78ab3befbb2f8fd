/*
takes: {city: city}
gives: {depot_id: depot}
returns: depots
*/
SELECT depot_id, name, closes_at, lockers_free
FROM depots
WHERE city = :city AND (COALESCE(:with_lockers, 0) = 0 OR lockers_free > 0)
ORDER BY depot_id
LIMIT 20;
