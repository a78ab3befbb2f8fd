-- Four teams; each has one person of a job at most.
WITH jobs(k, job) AS (VALUES (0, 'lead'), (1, 'analyst'), (2, 'designer'), (3, 'engineer'), (4, 'assistant')),
planned AS (
  SELECT n, k, job, row_number() OVER (ORDER BY k, n) - 1 AS place FROM numbers, jobs WHERE n < 4 AND (k = 0 OR draw('job' || n || job, 1, 100) <= 72)
)
INSERT INTO people
SELECT word('calendar_person', place), word('calendar_team', n), job,
       lower(replace(word('calendar_person', place), ' ', '.')) || '@example.com'
FROM planned;

INSERT INTO rooms
SELECT draw('room base', 1, 8) * 100 + n * 7 + draw('room' || n, 0, 6), word('calendar_room', n), draw('floor' || n, 1, 6),
       CASE n % 4 WHEN 0 THEN draw('seats' || n, 4, 6) WHEN 1 THEN draw('seats' || n, 8, 10) WHEN 2 THEN draw('seats' || n, 12, 16)
            ELSE draw('seats' || n, 18, 40) END,
       draw('screen' || n, 1, 3) > 1
FROM numbers
WHERE n < draw('rooms', 6, 8);

-- Meetings on the next working days, each in one of four parts of the day; a room has one meeting a part at most.
WITH ranked AS (
  SELECT name, row_number() OVER (ORDER BY name) - 1 AS place, COUNT(*) OVER () AS people FROM people
), workdays AS (
  SELECT n AS ahead, row_number() OVER (ORDER BY n) AS workday FROM numbers WHERE n BETWEEN 1 AND 20 AND strftime('%w', day(n)) NOT IN ('0', '6')
), drafts AS (
  SELECT n, ahead, draw('part' || n, 0, 3) AS part, draw('in room' || n, 0, 5) AS rank, draw('organizer' || n, 0, 6) AS chosen,
         draw('off' || n, 1, 100) <= 13 AS is_off, draw('has room' || n, 1, 100) <= 65 AS has_room,
         CASE draw('length' || n, 0, 3) WHEN 0 THEN 30 WHEN 1 THEN 45 ELSE 60 END AS length
  FROM numbers JOIN workdays ON workday = draw('workday' || n, 1, 8)
  WHERE n < draw('meetings', 12, 15)
), timed AS (
  SELECT *, 540 + part * 120 + 15 * draw('start' || n, 0, 3) AS minute,
         row_number() OVER (PARTITION BY ahead, part, rank, is_off, has_room ORDER BY n) AS turn
  FROM drafts
), placed AS (
  SELECT roomId, row_number() OVER (ORDER BY roomId) - 1 AS rank FROM rooms
)
INSERT INTO meetings
SELECT draw('meeting base', 20, 89) * 100 + n * 6 + draw('meeting' || n, 0, 5), word('calendar_title', n), name, day(ahead),
       printf('%02d:%02d', minute / 60, minute % 60), printf('%02d:%02d', (minute + length) / 60, (minute + length) % 60),
       CASE WHEN has_room AND turn = 1 THEN roomId END, CASE WHEN is_off THEN 'called off' ELSE 'scheduled' END, NULL, 0
FROM timed JOIN ranked ON ranked.place = (chosen * 2) % people JOIN placed USING (rank);

-- Two to five guests a meeting.
WITH ranked AS (
  SELECT name, row_number() OVER (ORDER BY name) - 1 AS place, COUNT(*) OVER () AS people FROM people
), numbered AS (
  SELECT meetingId, organizer, row_number() OVER (ORDER BY meetingId) - 1 AS line FROM meetings
), few(n) AS MATERIALIZED (
  SELECT n FROM numbers WHERE n < 5
), spread AS MATERIALIZED (
  SELECT meetingId, organizer, line, n, draw('first guest' || line, 0, 19) + n * 3 AS seat FROM numbered, few WHERE n < draw('guests' || line, 2, 5)
), guests AS (
  SELECT meetingId, name, row_number() OVER (ORDER BY line, MIN(n)) - 1 AS position
  FROM spread JOIN ranked ON place = seat % people
  WHERE name <> organizer
  GROUP BY meetingId, name
)
INSERT INTO invitations
SELECT draw('invitation base', 2, 9) * 1000 + position * 5 + draw('invitation' || position, 0, 4), meetingId, name,
       CASE WHEN draw('answer' || position, 1, 100) <= 45 THEN 'pending' WHEN draw('answer' || position, 1, 100) <= 80 THEN 'accepted'
            WHEN draw('answer' || position, 1, 100) <= 90 THEN 'tentative' ELSE 'declined' END,
       draw('optional' || position, 1, 5) = 1, NULL
FROM guests;

WITH kinds(k, kind, first, second, third) AS (
  VALUES (0, 'projector', 'Lumina', 'Wide Eye', 'Bright One'), (1, 'camera', 'Hawk', 'Little Owl', 'Panorama'),
         (2, 'microphone', 'Whisper', 'Round Table', 'Clip Mic'), (3, 'laptop', 'Blue Heron', 'Gray Finch', 'Spare Pine')
), pieces AS (
  SELECT k, kind, n, k * 3 + n AS position, CASE n WHEN 0 THEN first WHEN 1 THEN second ELSE third END AS name
  FROM kinds, numbers
  WHERE n < 3
)
INSERT INTO equipment
SELECT draw('equipment base', 1, 9) * 100 + position * 8 + draw('equipment' || position, 0, 7), name, kind, day(-draw('bought' || position, 60, 2500)),
       CASE WHEN draw('broken' || position, 1, 100) <= 25 THEN pick('calendar_fault', 'fault' || position) END
FROM pieces
WHERE n < 2 OR draw('third' || k, 1, 2) = 1;

-- A piece of equipment is reserved once at most.
WITH owned AS (
  SELECT equipmentId, row_number() OVER (ORDER BY equipmentId) - 1 AS line FROM equipment
), hosts AS (
  SELECT meetingId, row_number() OVER (ORDER BY meetingId) - 1 AS place, COUNT(*) OVER () AS hosts FROM meetings WHERE roomId IS NOT NULL AND status = 'scheduled'
)
INSERT INTO reservations
SELECT draw('reservation base', 3, 9) * 100 + line * 9 + draw('reservation' || line, 0, 8), meetingId, equipmentId
FROM owned JOIN hosts ON place = draw('used by' || line, 0, 59) % hosts
WHERE draw('reserved' || line, 1, 100) <= 65;
