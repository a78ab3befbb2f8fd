/*
effect: write
takes: {device_id: device}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM devices WHERE device_id = :device_id)
  error: There is no device with this id.
- holds: (SELECT battery IS NOT NULL FROM devices WHERE device_id = :device_id)
  error: This device has no battery.
*/
UPDATE devices SET battery = 100 WHERE device_id = :device_id;
SELECT device_id, name, room, battery FROM devices WHERE device_id = :device_id;
