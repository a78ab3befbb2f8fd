/*
takes: {team: team}
gives: {person: person}
returns: people
requires:
- holds: EXISTS (SELECT 1 FROM people WHERE team = :team)
  error: There is no team of this name.
*/
SELECT name AS person, job, email FROM people WHERE team = :team ORDER BY name LIMIT 20;
