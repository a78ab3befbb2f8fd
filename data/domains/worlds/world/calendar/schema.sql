CREATE TABLE people (
  name TEXT PRIMARY KEY,
  team TEXT NOT NULL,
  job TEXT NOT NULL,
  email TEXT NOT NULL
) STRICT;

CREATE TABLE rooms (
  roomId INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  floor INTEGER NOT NULL,
  seats INTEGER NOT NULL,
  hasScreen INTEGER NOT NULL
) STRICT;

-- status: scheduled, called off; times as HH:MM
CREATE TABLE meetings (
  meetingId INTEGER PRIMARY KEY,
  title TEXT NOT NULL UNIQUE,
  organizer TEXT NOT NULL,
  date TEXT NOT NULL,
  startTime TEXT NOT NULL,
  endTime TEXT NOT NULL,
  roomId INTEGER,
  status TEXT NOT NULL,
  note TEXT,
  remindersSent INTEGER NOT NULL
) STRICT;

-- response: pending, accepted, declined, tentative
CREATE TABLE invitations (
  invitationId INTEGER PRIMARY KEY,
  meetingId INTEGER NOT NULL,
  person TEXT NOT NULL,
  response TEXT NOT NULL,
  isOptional INTEGER NOT NULL,
  comment TEXT,
  UNIQUE (meetingId, person)
) STRICT;

CREATE TABLE equipment (
  equipmentId INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  boughtOn TEXT NOT NULL,
  fault TEXT
) STRICT;

CREATE TABLE reservations (
  reservationId INTEGER PRIMARY KEY,
  meetingId INTEGER NOT NULL,
  equipmentId INTEGER NOT NULL,
  UNIQUE (meetingId, equipmentId)
) STRICT;
