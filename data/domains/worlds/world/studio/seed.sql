INSERT INTO clients
SELECT draw('client base', 10, 89) * 10 + n * 3 + draw('client' || n, 0, 2),
       word('studio_client', n), word('studio_contact', n), pick('studio_city', 'city' || n)
FROM numbers
WHERE n < draw('clients', 6, 8);

WITH ranked AS (
  SELECT client_id, row_number() OVER (ORDER BY client_id) - 1 AS place FROM clients
)
INSERT INTO projects
SELECT 'PRJ-' || (draw('project base', 20, 89) * 10 + n * 5 + draw('project' || n, 0, 4)),
       word('studio_project', n), client_id, day(draw('deadline' || n, 3, 90)), 250 * draw('budget' || n, 4, 60),
       CASE WHEN draw('archived' || n, 1, 10) <= 2 THEN 'archived' ELSE 'active' END
FROM numbers JOIN ranked ON place = draw('client of' || n, 0, 5)
WHERE n < draw('projects', 9, 11);

-- Each subject stands in one to three assets, each in a setting of its own.
WITH kinds(k, kind, opening, prefix) AS (
  VALUES (0, 'photo', 'Close-up', 'PHO'), (1, 'photo', 'Wide shot', 'PHO'), (2, 'photo', 'Backlit portrait', 'PHO'),
         (3, 'illustration', 'Watercolor illustration', 'ILL'), (4, 'illustration', 'Isometric artwork', 'ILL'),
         (5, 'illustration', 'Woodcut artwork', 'ILL'), (6, 'icon', 'Line icon', 'ICO'), (7, 'template', 'Greeting card', 'TEM'),
         (8, 'template', 'Poster', 'TEM')
), ranked AS (
  SELECT project_id, row_number() OVER (ORDER BY project_id) - 1 AS place, COUNT(*) OVER () AS total FROM projects
), planned AS (
  SELECT topics.n AS topic, copies.n AS copy, row_number() OVER (ORDER BY topics.n, copies.n) - 1 AS position,
         word('studio_subject', topics.n) AS subject
  FROM numbers AS topics JOIN (SELECT n FROM numbers LIMIT 8) AS copies ON copies.n < draw('copies of' || topics.n, 1, 3)
  WHERE topics.n < 12
), shaped AS (
  SELECT *, 400 * draw('scale' || position, 1, 4) AS unit, draw('shape' || position, 0, 2) AS shape
  FROM planned JOIN kinds ON k = (draw('first kind' || topic, 0, 8) + copy * 4) % 9
), drafts AS (
  SELECT *, CASE WHEN kind = 'icon' THEN unit WHEN shape = 0 THEN unit * 3 / 2 ELSE unit * 2 END AS width,
         CASE WHEN kind = 'icon' THEN unit WHEN shape = 2 THEN unit * 3 / 2 ELSE unit * 2 END AS height
  FROM shaped
)
INSERT INTO assets
SELECT prefix || '-' || printf('%04d', draw('asset base', 10, 90) * 100 + position * 7 + draw('asset' || position, 0, 6)),
       project_id,
       opening || CASE kind WHEN 'template' THEN ' with ' ELSE ' of ' END
         || CASE WHEN subject GLOB '[aeiou]*' THEN 'an ' ELSE 'a ' END || subject
         || CASE kind WHEN 'icon' THEN '' ELSE ' ' || word('studio_setting', (draw('first setting' || topic, 0, 9) + copy) % 12) END,
       kind, subject, width, height, max(0.1, round(width * height * draw('size' || position, 8, 30) / 10000000.0, 1)),
       draw('background' || position, 1, 10) <= 8, draw('ai' || position, 1, 10) <= 3,
       CASE WHEN draw('approved' || position, 1, 10) <= 3 THEN 'approved' ELSE 'draft' END,
       day(-draw('made' || position, 20, 200))
FROM drafts JOIN ranked ON place = draw('in project' || position, 0, 99) % total;

WITH ranked AS (
  SELECT asset_id, width, height, size_mb, created_on, row_number() OVER (ORDER BY asset_id) - 1 AS place FROM assets
), planned AS (
  SELECT ranked.*, n, row_number() OVER (ORDER BY place, n) - 1 AS position, draw('versions of' || place, 1, 3) AS total
  FROM ranked JOIN (SELECT n FROM numbers LIMIT 8) AS numbers ON n < draw('versions of' || place, 1, 3)
)
INSERT INTO versions
SELECT draw('version base', 10, 90) * 100 + position * 4 + draw('version' || position, 0, 3), asset_id, n + 1,
       CASE n WHEN 0 THEN 'first draft' ELSE pick('studio_change', 'change' || position) END, width, height,
       CASE WHEN n = total - 1 THEN size_mb ELSE round(size_mb * draw('smaller' || position, 40, 95) / 100.0, 1) END,
       date(created_on, '+' || (n * 5 + draw('edited' || position, 0, 4)) || ' days')
FROM planned;

WITH ranked AS (
  SELECT asset_id, created_on, status, row_number() OVER (ORDER BY asset_id) - 1 AS place, COUNT(*) OVER () AS total FROM assets
)
INSERT INTO comments
SELECT draw('comment base', 20, 90) * 100 + n * 6 + draw('comment' || n, 0, 5), asset_id,
       word('studio_contact', draw('author' || n, 0, 11)), word('studio_remark', n),
       day(-19 + n), status = 'approved' OR draw('resolved' || n, 1, 10) <= 3
FROM numbers JOIN ranked ON place = draw('comment on' || n, 0, 11) % total
WHERE n < draw('comments', 14, 19);

WITH ranked AS (
  SELECT project_id, row_number() OVER (ORDER BY project_id) - 1 AS place FROM projects
), planned AS (
  SELECT project_id, row_number() OVER (ORDER BY place, n) - 1 AS position
  FROM ranked JOIN (SELECT n FROM numbers LIMIT 8) AS numbers ON n < draw('boards in' || place, 0, 2)
)
INSERT INTO boards
SELECT draw('board base', 30, 90) * 10 + position * 4 + draw('board' || position, 0, 3), project_id,
       word('studio_board', position), NULL
FROM planned;

INSERT INTO pins
SELECT board_id, asset_id
FROM boards JOIN assets USING (project_id)
WHERE draw('pinned' || board_id || asset_id, 1, 10) <= 6
ORDER BY board_id, asset_id;

WITH ready AS (
  SELECT asset_id, width, height, kind, row_number() OVER (ORDER BY asset_id) - 1 AS position
  FROM assets
  WHERE status = 'approved'
)
INSERT INTO exports
SELECT draw('export base', 40, 95) * 100 + position * 5 + draw('export' || position, 0, 4), asset_id,
       CASE draw('format' || position, 0, 2) WHEN 0 THEN 'png' WHEN 1 THEN 'jpg' ELSE 'pdf' END,
       width, height, day(-draw('exported' || position, 1, 18)), NULL
FROM ready
WHERE position < 8;
