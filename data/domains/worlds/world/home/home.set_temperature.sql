/*
effect: write
takes: {room: room}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM rooms WHERE name = :room)
  error: There is no room of this name.
- holds: EXISTS (SELECT 1 FROM devices WHERE room = :room AND kind = 'thermostat')
  error: The room has no thermostat.
- holds: (SELECT status = 'online' FROM devices WHERE room = :room AND kind = 'thermostat')
  error: The thermostat of the room cannot be reached.
  mended_by: home.restart_room
*/
UPDATE devices SET level = :degrees WHERE room = :room AND kind = 'thermostat';
SELECT device_id, room, level AS degrees FROM devices WHERE room = :room AND kind = 'thermostat';
