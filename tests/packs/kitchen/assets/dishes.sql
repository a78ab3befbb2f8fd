-- dishes.csv: one row is a dish of the menu; price in dollars, empty where it changes daily.
SELECT sku AS asset_id, name, cuisine, TRY_CAST(price AS DECIMAL(6, 2)) AS price,
       string_split(tags, '|') AS tags
FROM read_csv(getvariable('pack') || '/assets/dishes.csv')
