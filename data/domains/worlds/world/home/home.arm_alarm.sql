/*
effect: write
returns: row
requires:
- holds: (SELECT alarm <> :mode FROM house)
  error: The alarm is in this mode already.
- holds: NOT EXISTS (SELECT 1 FROM locks WHERE NOT is_locked AND status = 'ready')
  error: A door is not locked.
  mended_by: home.lock_all_doors
*/
UPDATE house SET alarm = :mode;
SELECT alarm AS mode, (SELECT COUNT(*) FROM devices WHERE kind = 'sensor' AND status = 'online') AS sensors FROM house;
