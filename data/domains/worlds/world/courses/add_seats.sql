/*
effect: write
takes: {section_id: section}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM sections WHERE section_id = :section_id)
  error: There is no section with this number.
- holds: (SELECT seats <= 60 FROM sections WHERE section_id = :section_id)
  error: The room has no space for more seats.
*/
UPDATE sections
SET seats = seats + COALESCE(:seats, 2), seats_left = seats_left + COALESCE(:seats, 2)
WHERE section_id = :section_id;
SELECT section_id, seats, seats_left FROM sections WHERE section_id = :section_id;
