-- Icons, stickers, logos, illustrations, frames. Some logos carry what their picture shows.
SELECT
    asset_id,
    'Design Asset' AS content_type,
    title,
    CAST(NULL AS VARCHAR) AS work_title,
    string_split(keywords, '|') AS keywords,
    string_split(topics, '|') AS topics,
    locale,
    TRY_CAST(ai_generated AS BOOLEAN) AS ai_generated,
    -- A request to make one may only start from what a machine made.
    CASE WHEN TRY_CAST(ai_generated AS BOOLEAN) THEN ['Search', 'Generate'] ELSE ['Search'] END AS function,
    TRY_CAST(aspect_ratio AS DOUBLE) AS aspect_ratio,
    TRY_CAST(click_through_rate AS DOUBLE) AS click_through_rate,
    CAST(NULL AS VARCHAR) AS image_path,
    CASE WHEN headline IS NOT NULL THEN
        CAST(json_object(
            'headline', headline,
            'subline', coalesce(subline, ''),
            'palette', string_split(palette, '|'),
            'shapes', string_split(shapes, '|'),
            'layout', layout
        ) AS VARCHAR)
    END AS drawing
FROM read_csv(
    getvariable('pack') || '/assets/design_assets.csv',
    header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', comment = '', skip = 0
)
