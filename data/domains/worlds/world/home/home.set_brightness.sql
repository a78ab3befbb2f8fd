/*
effect: write
takes: {device_id: device}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM devices WHERE device_id = :device_id)
  error: There is no device with this id.
- holds: (SELECT kind = 'light' FROM devices WHERE device_id = :device_id)
  error: This device is not a light.
- holds: (SELECT status = 'online' FROM devices WHERE device_id = :device_id)
  error: The device cannot be reached.
  mended_by: home.restart_device
- holds: (SELECT is_on FROM devices WHERE device_id = :device_id)
  error: The light is off.
  mended_by: home.turn_on
*/
UPDATE devices SET level = :percent, color = COALESCE(:color, color) WHERE device_id = :device_id;
SELECT device_id, name, room, CAST(level AS INTEGER) AS brightness, color FROM devices WHERE device_id = :device_id;
