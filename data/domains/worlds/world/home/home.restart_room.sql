/*
effect: write
takes: {room: room}
returns: devices
requires:
- holds: EXISTS (SELECT 1 FROM rooms WHERE name = :room)
  error: There is no room of this name.
*/
UPDATE devices SET status = 'online' WHERE room = :room;
SELECT device_id, name, status FROM devices WHERE room = :room ORDER BY name LIMIT 20;
