/*
takes: {room: room}
gives: {device_id: device}
returns: lights
requires:
- holds: EXISTS (SELECT 1 FROM rooms WHERE name = :room)
  error: There is no room of this name.
*/
SELECT device_id, name, is_on, CAST(level AS INTEGER) AS brightness, color
FROM devices
WHERE room = :room AND kind = 'light' AND (NOT COALESCE(:on_only, 0) OR is_on)
ORDER BY name
LIMIT 20;
