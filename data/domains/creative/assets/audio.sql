-- Music, sounds and spoken word; nothing to see.
SELECT
    asset_id,
    'Audio' AS content_type,
    title,
    NULLIF(work_title, '') AS work_title,
    string_split(keywords, '|') AS keywords,
    string_split(topics, '|') AS topics,
    locale,
    false AS ai_generated,
    CAST(NULL AS DOUBLE) AS aspect_ratio,
    TRY_CAST(click_through_rate AS DOUBLE) AS click_through_rate,
    CAST(NULL AS VARCHAR) AS image_path,
    CAST(NULL AS VARCHAR) AS drawing
FROM read_csv(
    getvariable('pack') || '/assets/audio.csv',
    header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', comment = '', skip = 0
)
