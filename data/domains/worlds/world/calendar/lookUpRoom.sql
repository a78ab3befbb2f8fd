/*
takes: {name: room_name}
gives: {roomId: room}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM rooms WHERE name = :name)
  error: There is no room of this name.
*/
SELECT roomId, name, floor, seats, CASE hasScreen WHEN 1 THEN 'true' ELSE 'false' END AS hasScreen_json FROM rooms WHERE name = :name;
