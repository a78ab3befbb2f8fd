/*
gives: {roomId: room}
returns: rooms
*/
SELECT roomId, name, floor, seats, CASE hasScreen WHEN 1 THEN 'true' ELSE 'false' END AS hasScreen_json
FROM rooms
WHERE seats >= :minSeats AND (:floor IS NULL OR floor = :floor) AND (NOT COALESCE(:withScreen, 0) OR hasScreen)
ORDER BY seats, roomId
LIMIT 20;
