/*
takes: {room: room}
gives: {device_id: device}
returns: devices
requires:
- holds: EXISTS (SELECT 1 FROM rooms WHERE name = :room)
  error: There is no room of this name.
*/
SELECT device_id, name, kind, status,
       CASE kind WHEN 'thermostat' THEN 'set to ' || level || ' degrees' WHEN 'sensor' THEN 'watching' ELSE iif(is_on, 'on', 'off') END AS state
FROM devices
WHERE room = :room AND (:kind IS NULL OR kind = :kind)
ORDER BY name
LIMIT 20;
