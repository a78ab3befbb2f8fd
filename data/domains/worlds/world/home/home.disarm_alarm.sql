/*
effect: write
returns: row
requires:
- holds: (SELECT alarm <> 'off' FROM house)
  error: The alarm is off already.
*/
UPDATE house SET alarm = 'off';
SELECT alarm AS mode FROM house;
