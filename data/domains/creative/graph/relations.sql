-- relations.csv: one row is one directed relation between two concepts of concepts.csv.
-- weight, in (0, 1], says how strongly the relation holds; a weight that is no number becomes NULL and fails the contract.
SELECT
    source,
    target,
    relation,
    TRY_CAST(weight AS DOUBLE) AS weight
FROM read_csv(
    getvariable('pack') || '/graph/relations.csv',
    header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', comment = '', skip = 0
)
