/*
gives: {device_id: device}
returns: devices
*/
SELECT device_id, name, room, battery
FROM devices
WHERE battery IS NOT NULL AND battery <= COALESCE(:max_percent, 100)
ORDER BY battery, device_id
LIMIT 20;
