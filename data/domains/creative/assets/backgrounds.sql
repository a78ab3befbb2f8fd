-- Patterns, textures and sceneries; the ratio is written as 16:9.
SELECT
    asset_id,
    'Background' AS content_type,
    title,
    CAST(NULL AS VARCHAR) AS work_title,
    string_split(keywords, '|') AS keywords,
    string_split(topics, '|') AS topics,
    locale,
    TRY_CAST(ai_generated AS BOOLEAN) AS ai_generated,
    -- A request to make one may only start from what a machine made.
    CASE WHEN TRY_CAST(ai_generated AS BOOLEAN) THEN ['Search', 'Generate'] ELSE ['Search'] END AS function,
    round(
        TRY_CAST(split_part(ratio, ':', 1) AS DOUBLE)
        / TRY_CAST(split_part(ratio, ':', 2) AS DOUBLE),
        4
    ) AS aspect_ratio,
    TRY_CAST(click_through_rate AS DOUBLE) AS click_through_rate,
    CAST(NULL AS VARCHAR) AS image_path,
    CAST(NULL AS VARCHAR) AS drawing
FROM read_csv(
    getvariable('pack') || '/assets/backgrounds.csv',
    header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', comment = '', skip = 0
)
