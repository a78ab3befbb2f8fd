/*
effect: write
gives: {scene_id: scene}
returns: row
requires:
- holds: NOT EXISTS (SELECT 1 FROM scenes WHERE name = :name)
  error: There is a scene of this name already.
*/
INSERT INTO scenes (name) VALUES (:name);
SELECT scene_id, name, 0 AS steps FROM scenes WHERE scene_id = last_insert_rowid();
