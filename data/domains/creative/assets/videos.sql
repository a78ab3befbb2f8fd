-- Clips; the ratio follows from the resolution, such as 1920x1080.
SELECT
    asset_id,
    'Video' AS content_type,
    title,
    NULLIF(work_title, '') AS work_title,
    string_split(keywords, '|') AS keywords,
    string_split(topics, '|') AS topics,
    locale,
    false AS ai_generated,
    round(
        TRY_CAST(split_part(resolution, 'x', 1) AS DOUBLE)
        / TRY_CAST(split_part(resolution, 'x', 2) AS DOUBLE),
        4
    ) AS aspect_ratio,
    TRY_CAST(click_through_rate AS DOUBLE) AS click_through_rate,
    CAST(NULL AS VARCHAR) AS image_path,
    CAST(NULL AS VARCHAR) AS drawing
FROM read_csv(
    getvariable('pack') || '/assets/videos.csv',
    header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', comment = '', skip = 0
)
