-- relations.csv: one row is one directed relation between two concepts.
SELECT source, target, relation FROM read_csv(getvariable('pack') || '/graph/relations.csv')
