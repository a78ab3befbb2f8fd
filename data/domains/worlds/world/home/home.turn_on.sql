/*
effect: write
takes: {device_id: device}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM devices WHERE device_id = :device_id)
  error: There is no device with this id.
- holds: (SELECT kind IN ('light', 'plug', 'speaker') FROM devices WHERE device_id = :device_id)
  error: This device cannot be switched on and off.
- holds: (SELECT NOT is_on FROM devices WHERE device_id = :device_id)
  error: The device is on already.
- holds: (SELECT status = 'online' FROM devices WHERE device_id = :device_id)
  error: The device cannot be reached.
  mended_by: home.restart_device
- holds: (SELECT battery IS NULL OR battery > 0 FROM devices WHERE device_id = :device_id)
  error: The battery of the device is empty.
  mended_by: home.replace_battery
*/
UPDATE devices SET is_on = 1 WHERE device_id = :device_id;
SELECT device_id, name, room, is_on FROM devices WHERE device_id = :device_id;
