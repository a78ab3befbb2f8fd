"""The content assets of the pack `creative`: reproducible, varied, mapped to our columns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from stages.images.composition import draw, picture_size
from stages.ingest.sources import read_sql

PACK = Path(__file__).resolve().parents[2] / "data" / "domains" / "creative"
ASSETS = PACK / "assets"
COLUMNS = {
    "asset_id": pl.String,
    "content_type": pl.String,
    "title": pl.String,
    "work_title": pl.String,
    "keywords": pl.List(pl.String),
    "topics": pl.List(pl.String),
    "locale": pl.String,
    "ai_generated": pl.Boolean,
    "function": pl.List(pl.String),
    "aspect_ratio": pl.Float64,
    "click_through_rate": pl.Float64,
    "image_path": pl.String,
    "drawing": pl.String,
}
TYPES = {"Template", "Photo", "Audio", "Video", "Background", "Design Asset", "Text"}


@pytest.fixture(scope="module")
def assets() -> pl.DataFrame:
    """All sources, as their SQL maps them."""
    return pl.concat([read_sql(sql, PACK) for sql in sorted(ASSETS.glob("*.sql"))], how="diagonal")


def test_composing_again_gives_the_committed_bytes(tmp_path: Path) -> None:
    script = PACK / "compose_assets.py"
    subprocess.run([sys.executable, str(script), "--out", str(tmp_path)], check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in ASSETS.glob("*.csv")}
    assert sum(map(len, made.values())) < 2_000_000


@pytest.mark.parametrize("sql", sorted(ASSETS.glob("*.sql")), ids=lambda path: path.stem)
def test_sql_gives_the_columns_in_order(sql: Path) -> None:
    frame = read_sql(sql, PACK)
    # Items of a source without `function` serve every function.
    own = {n: kind for n, kind in COLUMNS.items() if n != "function" or n in frame.columns}
    assert dict(frame.schema) == own and list(frame.columns) == list(own)
    required = ["asset_id", "content_type", "title", "keywords", "topics", "locale", "ai_generated"]
    assert (
        frame.select(pl.col(*required, "click_through_rate").is_null().any()).sum_horizontal()[0]
        == 0
    )


def test_enough_assets_of_every_type(assets: pl.DataFrame) -> None:
    assert assets.height >= 5000
    counts = dict(assets.group_by("content_type").len().iter_rows())
    assert set(counts) == TYPES and min(counts.values()) >= 400
    assert assets["asset_id"].is_unique().all()


def test_titles_are_unique_and_2_to_12_words(assets: pl.DataFrame) -> None:
    assert assets["title"].str.to_lowercase().is_unique().all()
    words = assets["title"].str.split(" ").list.len()
    assert words.is_between(2, 12).all()


def test_keywords_and_topics(assets: pl.DataFrame) -> None:
    assert assets["keywords"].list.len().is_between(3, 8).all()
    assert assets["topics"].list.len().is_between(1, 3).all()
    words = assets["keywords"].explode()
    assert (words == words.str.to_lowercase().str.strip_chars()).all()
    assert (words.str.len_chars() > 0).all()


def test_numbers_are_plausible(assets: pl.DataFrame) -> None:
    rate = assets["click_through_rate"]
    assert ((rate > 0) & (rate < 0.2)).all()
    assert rate.median() < rate.mean()  # type: ignore[operator]
    audio = assets.filter(pl.col("content_type") == "Audio")
    others = assets.filter(pl.col("content_type") != "Audio")
    assert audio["aspect_ratio"].is_null().all()
    assert others["aspect_ratio"].is_between(0.3, 4).all()
    made = assets.filter(pl.col("content_type").is_in(["Template", "Photo", "Background"]))
    assert 0.3 < float(made["ai_generated"].mean()) < 0.4  # type: ignore[arg-type]


def test_named_works_stand_in_their_titles(assets: pl.DataFrame) -> None:
    named = assets.filter(pl.col("work_title").is_not_null())
    assert set(named["content_type"]) == {"Audio", "Video"}
    assert 500 <= named.height <= 800
    assert (
        named.select(pl.col("title").str.contains(pl.col("work_title"), literal=True))
        .to_series()
        .all()
    )
    assert named["work_title"].n_unique() >= 200


def test_drawings_can_be_drawn_and_add_words(assets: pl.DataFrame) -> None:
    drawn = assets.drop_nulls("drawing")
    counts = dict(drawn.group_by("content_type").len().iter_rows())
    assert counts["Template"] >= 80 and counts["Design Asset"] >= 20 and counts["Text"] >= 20
    new = 0
    for title, text in drawn.select("title", "drawing").iter_rows():
        drawing = json.loads(text)
        assert set(drawing) == {"headline", "subline", "palette", "shapes", "layout"}
        new += bool(set(drawing["headline"].lower().split()) - set(title.lower().split()))
    assert new >= 200
    for text, ratio in drawn.gather_every(20).select("drawing", "aspect_ratio").iter_rows():
        assert draw(json.loads(text), picture_size(ratio)).mode == "RGB"
