-- concepts.csv: one row is something that a menu can be about.
SELECT node_id, label, kind FROM read_csv(getvariable('pack') || '/graph/concepts.csv')
