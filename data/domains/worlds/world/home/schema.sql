CREATE TABLE rooms (
  name TEXT PRIMARY KEY,
  floor INTEGER NOT NULL
) STRICT;

-- kind: light, plug, speaker, thermostat, sensor; level: percent, of a thermostat degrees Celsius;
-- battery: percent, NULL for what is on the mains
CREATE TABLE devices (
  device_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  room TEXT NOT NULL,
  is_on INTEGER NOT NULL,
  level REAL,
  color TEXT,
  battery INTEGER,
  status TEXT NOT NULL,
  UNIQUE (room, name)
) STRICT;

-- status: ready, jammed
CREATE TABLE locks (
  lock_id INTEGER PRIMARY KEY,
  door TEXT NOT NULL UNIQUE,
  is_locked INTEGER NOT NULL,
  last_used_on TEXT NOT NULL,
  status TEXT NOT NULL
) STRICT;

CREATE TABLE scenes (
  scene_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  last_started_on TEXT
) STRICT;

CREATE TABLE scene_steps (
  step_id INTEGER PRIMARY KEY,
  scene_id INTEGER NOT NULL,
  device_id INTEGER NOT NULL,
  level INTEGER NOT NULL,
  UNIQUE (scene_id, device_id)
) STRICT;

-- days: every_day, weekdays, weekend; time as HH:MM
CREATE TABLE schedules (
  schedule_id INTEGER PRIMARY KEY,
  scene_id INTEGER NOT NULL,
  time TEXT NOT NULL,
  days TEXT NOT NULL,
  is_paused INTEGER NOT NULL,
  UNIQUE (scene_id, time, days)
) STRICT;

CREATE TABLE guests (
  guest_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  phone TEXT NOT NULL
) STRICT;

CREATE TABLE codes (
  code_id INTEGER PRIMARY KEY,
  guest_id INTEGER NOT NULL,
  lock_id INTEGER NOT NULL,
  digits TEXT NOT NULL,
  valid_until TEXT NOT NULL,
  times_sent INTEGER NOT NULL,
  is_revoked INTEGER NOT NULL
) STRICT;

-- one row; alarm: off, home, away
CREATE TABLE house (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  alarm TEXT NOT NULL
) STRICT;
