/*
effect: write
takes: {device_id: device}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM devices WHERE device_id = :device_id)
  error: There is no device with this id.
*/
UPDATE devices SET status = 'online' WHERE device_id = :device_id;
SELECT device_id, name, room, status FROM devices WHERE device_id = :device_id;
