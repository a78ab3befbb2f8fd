-- concepts.csv: one row is one concept of the knowledge graph: something a query can be about.
-- kind is one of intent, design_type, scene_object, action, style; node_id is the kind, a slash and a slug of the label.
SELECT
    node_id,
    label,
    kind,
    locale
FROM read_csv(
    getvariable('pack') || '/graph/concepts.csv',
    header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', comment = '', skip = 0
)
