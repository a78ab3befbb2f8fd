-- Every home has a living room, a bedroom and a hallway, and some of the others.
WITH named(k, name, floor, share) AS (
  VALUES (0, 'living room', 0, 100), (1, 'bedroom', 1, 100), (2, 'hallway', 0, 100), (3, 'kitchen', 0, 85), (4, 'bathroom', 1, 60), (5, 'office', 1, 55),
         (6, 'nursery', 1, 35), (7, 'guest room', 1, 45), (8, 'garage', 0, 50), (9, 'attic', 2, 35), (10, 'basement', -1, 35), (11, 'dining room', 0, 40)
)
INSERT INTO rooms
SELECT name, floor FROM named WHERE draw('has ' || name, 1, 100) <= share;

-- What a room may have, with the share of the homes that have it there.
WITH possible(room, name, kind, share) AS (
  VALUES ('living room', 'ceiling light', 'light', 80), ('living room', 'floor lamp', 'light', 75), ('living room', 'reading lamp', 'light', 55),
         ('living room', 'soundbar', 'speaker', 80), ('living room', 'thermostat', 'thermostat', 90), ('living room', 'TV plug', 'plug', 60),
         ('bedroom', 'bedside lamp', 'light', 90), ('bedroom', 'ceiling light', 'light', 70), ('bedroom', 'thermostat', 'thermostat', 65),
         ('bedroom', 'radio', 'speaker', 55), ('bedroom', 'window sensor', 'sensor', 55),
         ('hallway', 'wall light', 'light', 85), ('hallway', 'motion sensor', 'sensor', 70),
         ('kitchen', 'counter light', 'light', 90), ('kitchen', 'pendant lamp', 'light', 70), ('kitchen', 'radio', 'speaker', 60),
         ('kitchen', 'coffee maker plug', 'plug', 75), ('kitchen', 'smoke detector', 'sensor', 70),
         ('bathroom', 'mirror light', 'light', 90), ('bathroom', 'towel heater plug', 'plug', 50), ('bathroom', 'thermostat', 'thermostat', 50),
         ('office', 'desk lamp', 'light', 90), ('office', 'ceiling light', 'light', 55), ('office', 'monitor plug', 'plug', 60), ('office', 'thermostat', 'thermostat', 50),
         ('nursery', 'night light', 'light', 95), ('nursery', 'white noise speaker', 'speaker', 70), ('nursery', 'thermostat', 'thermostat', 60),
         ('guest room', 'bedside lamp', 'light', 85), ('guest room', 'thermostat', 'thermostat', 60), ('guest room', 'fan plug', 'plug', 45),
         ('garage', 'work light', 'light', 80), ('garage', 'charger plug', 'plug', 60),
         ('attic', 'string lights', 'light', 80), ('attic', 'window sensor', 'sensor', 60),
         ('basement', 'ceiling light', 'light', 80), ('basement', 'water sensor', 'sensor', 75),
         ('dining room', 'chandelier', 'light', 90), ('dining room', 'turntable', 'speaker', 50)
), owned AS (
  SELECT possible.*, row_number() OVER (ORDER BY draw('number of ' || room || possible.name, 0, 999999), room, possible.name) - 1 AS position
  FROM possible JOIN rooms ON rooms.name = room
  WHERE draw('owns ' || room || possible.name, 1, 100) <= share
), powered AS (
  SELECT *, CASE WHEN kind IN ('sensor', 'thermostat') OR kind IN ('light', 'speaker') AND draw('cordless' || position, 1, 100) <= 35
                 THEN CASE WHEN draw('empty' || position, 1, 100) <= 20 THEN 0 ELSE draw('battery' || position, 6, 98) END END AS battery
  FROM owned
)
INSERT INTO devices
SELECT draw('device base', 1, 8) * 100 + position * 3 + draw('device' || position, 0, 2), name, kind, room,
       CASE WHEN kind IN ('thermostat', 'sensor') THEN 1 WHEN battery = 0 THEN 0 ELSE draw('on' || position, 0, 1) END,
       CASE kind WHEN 'light' THEN 5 * draw('level' || position, 2, 20) WHEN 'speaker' THEN 5 * draw('level' || position, 2, 14)
            WHEN 'thermostat' THEN draw('degrees' || position, 33, 46) / 2.0 WHEN 'plug' THEN 100 END,
       CASE kind WHEN 'light' THEN CASE draw('color' || position, 0, 5) WHEN 0 THEN 'warm white' WHEN 1 THEN 'amber' ELSE 'white' END END,
       battery,
       CASE WHEN draw('reachable' || position, 1, 100) <= 22 THEN 'unreachable' ELSE 'online' END
FROM powered;

WITH doors(k, door, share) AS (
  VALUES (0, 'front door', 100), (1, 'back door', 80), (2, 'garage door', 65), (3, 'cellar door', 55), (4, 'garden gate', 45), (5, 'terrace door', 45)
)
INSERT INTO locks
SELECT draw('lock base', 2, 9) * 10 + k, door, draw('locked' || door, 1, 3) > 1, day(-draw('used' || door, 0, 20)),
       CASE WHEN draw('jammed' || door, 1, 100) <= 22 THEN 'jammed' ELSE 'ready' END
FROM doors
WHERE draw('has ' || door, 1, 100) <= share;

INSERT INTO scenes
SELECT draw('scene base', 2, 8) * 10 + n * 3 + draw('scene' || n, 0, 2), word('home_scene', n),
       CASE WHEN draw('was started' || n, 1, 4) > 1 THEN day(-draw('started' || n, 0, 40)) END
FROM numbers
WHERE n < draw('scenes', 6, 8);

-- A scene sets up to four devices; some are still empty.
WITH able AS (
  SELECT device_id, row_number() OVER (ORDER BY device_id) - 1 AS place, COUNT(*) OVER () AS able FROM devices WHERE kind IN ('light', 'speaker', 'plug')
), ranked AS (
  SELECT scene_id, row_number() OVER (ORDER BY scene_id) - 1 AS rank FROM scenes
), few(n) AS MATERIALIZED (
  SELECT n FROM numbers WHERE n < 4
), spread AS MATERIALIZED (
  SELECT scene_id, rank, n, draw('first device' || rank, 0, 59) + n * 2 AS start
  FROM ranked, few
  WHERE draw('empty scene' || rank, 1, 100) > 25 AND n < draw('steps' || rank, 1, 4)
), planned AS (
  SELECT scene_id, device_id, row_number() OVER (ORDER BY rank, n) - 1 AS line FROM spread JOIN able ON place = start % able
)
INSERT INTO scene_steps
SELECT draw('step base', 2, 9) * 100 + line * 4 + draw('step' || line, 0, 3), scene_id, device_id,
       CASE kind WHEN 'plug' THEN 100 * draw('step on' || line, 0, 1) ELSE 10 * draw('step level' || line, 0, 10) END
FROM planned JOIN devices USING (device_id)
WHERE true
ON CONFLICT DO NOTHING;

WITH filled AS (
  SELECT scene_id, row_number() OVER (ORDER BY scene_id) - 1 AS rank FROM scenes WHERE scene_id IN (SELECT scene_id FROM scene_steps)
), few(n) AS MATERIALIZED (
  SELECT n FROM numbers WHERE n < 2
), planned AS (
  SELECT scene_id, n, row_number() OVER (ORDER BY rank, n) - 1 AS line FROM filled, few WHERE n < draw('schedules' || rank, 0, 2)
)
INSERT INTO schedules
SELECT draw('schedule base', 11, 89) * 10 + line * 2 + draw('schedule' || line, 0, 1), scene_id,
       printf('%02d:%02d', CASE n WHEN 0 THEN draw('morning' || line, 5, 9) ELSE draw('evening' || line, 17, 23) END, 15 * draw('quarter' || line, 0, 3)),
       CASE draw('days' || line, 0, 2) WHEN 0 THEN 'every_day' WHEN 1 THEN 'weekdays' ELSE 'weekend' END, draw('paused' || line, 1, 3) = 1
FROM planned;

INSERT INTO guests
SELECT draw('guest base', 1, 8) * 10 + n * 2 + draw('guest' || n, 0, 1), word('home_guest', n), word('home_phone', n)
FROM numbers
WHERE n < draw('guests', 6, 8);

WITH ranked AS (
  SELECT guest_id, row_number() OVER (ORDER BY guest_id) - 1 AS place FROM guests
), doors AS (
  SELECT lock_id, row_number() OVER (ORDER BY lock_id) - 1 AS rank FROM locks
), planned AS (
  SELECT guest_id, lock_id, place, row_number() OVER (ORDER BY place, rank) - 1 AS line
  FROM ranked, doors
  WHERE draw('has code' || place || '-' || rank, 1, 100) <= 40
)
INSERT INTO codes
SELECT draw('code base', 3, 9) * 100 + line * 5 + draw('code' || line, 0, 4), guest_id, lock_id, printf('%06d', draw('digits' || line, 100000, 999999)),
       day(draw('valid' || line, -12, 45)), draw('sent' || line, 0, 2), draw('revoked' || line, 1, 100) <= 15
FROM planned;

INSERT INTO house VALUES (1, CASE draw('alarm', 0, 3) WHEN 0 THEN 'home' WHEN 1 THEN 'away' ELSE 'off' END);
