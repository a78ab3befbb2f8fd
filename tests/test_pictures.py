"""Pictures drawn from descriptions: deterministic, checked, readable."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.images.colors import contrast
from stages.images.composition import draw, parsed, picture_size
from stages.images.layouts import LAYOUTS
from stages.images.lettering import fit
from stages.images.shapes import SHAPES
from stages.ingest.sources import read_sql

PACK = Path(__file__).resolve().parents[1] / "data" / "domains" / "creative"
GOOD: dict[str, Any] = {
    "headline": "Frost Fair",
    "subline": "December 12, Linden Hall",
    "palette": ["#16264D", "#FFCBA4", "#FFFFFF"],
    "shapes": ["snowflake", "tree"],
    "layout": "centered",
}


def test_same_drawing_gives_same_bytes() -> None:
    assert draw(GOOD, (640, 800)).tobytes() == draw(dict(GOOD), (640, 800)).tobytes()


@pytest.mark.parametrize(
    "change",
    [
        {"headline": "Frost Fare"},
        {"subline": ""},
        {"palette": ["#16264D", "#FFCBA5"]},
        {"shapes": ["snowflake"]},
        {"layout": "framed"},
    ],
)
def test_different_drawings_differ(change: dict[str, Any]) -> None:
    assert draw(GOOD | change, (640, 640)).tobytes() != draw(GOOD, (640, 640)).tobytes()


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("size", [(1280, 640), (640, 1280), (960, 960), (320, 320)])
def test_every_layout_draws_every_shape_at_every_size(layout: str, size: tuple[int, int]) -> None:
    names = sorted(SHAPES)
    for start in range(0, len(names), 12):
        picture = draw(GOOD | {"layout": layout, "shapes": names[start : start + 12]}, size)
        assert (picture.size, picture.mode) == (size, "RGB")


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("size", [(1280, 640), (640, 1280), (960, 960), (852, 640)])
def test_ornaments_and_text_never_share_a_pixel(layout: str, size: tuple[int, int]) -> None:
    long = {"headline": "Congratulations Everybody on Reaching the Longest Line", "layout": layout}
    both = GOOD | long | {"shapes": ["circle", "stripe", "house"]}
    bare, blank = both | {"shapes": []}, {"headline": ".", "subline": ""}
    pictures = {
        "text": (draw(bare, size), draw(bare | blank, size)),
        "ornaments": (draw(both | blank, size), draw(bare | blank, size)),
    }
    changed = {
        name: np.any(np.asarray(one) != np.asarray(other), axis=2)
        for name, (one, other) in pictures.items()
    }
    assert changed["text"].any() and changed["ornaments"].any()
    assert not (changed["text"] & changed["ornaments"]).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"headline": ""}, "headline is missing or empty"),
        ({"headline": "x" * 61}, "headline must be one line of at most 60"),
        ({"headline": "two\nlines"}, "headline must be one line"),
        ({"headline": 7}, "headline must be one line"),
        ({"headline": "雪祭り"}, "headline has no letter that the font can write"),
        ({"subline": "x" * 81}, "subline must be one line of at most 80"),
        ({"palette": []}, "palette is missing or empty"),
        ({"palette": ["red"]}, "palette holds 'red'"),
        ({"palette": ["#12345G"]}, "palette holds '#12345G'"),
        ({"palette": ["#000000"] * 6}, "palette must be a list of at most 5"),
        ({"shapes": "star"}, "shapes must be a list"),
        ({"shapes": ["star"] * 13}, "shapes must be a list of at most 12"),
        ({"layout": "spiral"}, "layout must be one of"),
        ({"layout": ["left"]}, "layout must be one of"),
    ],
)
def test_bad_drawing_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        draw(GOOD | change, (640, 640))


def test_bad_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size must be two whole numbers"):
        draw(GOOD, (320, 100_000))


def test_unknown_shape_is_skipped_and_optional_parts_may_be_missing() -> None:
    bare = {"headline": "Frost Fair", "palette": ["#16264D"]}
    unknown = bare | {"shapes": ["kraken"]}
    assert draw(bare, (640, 640)).tobytes() == draw(unknown, (640, 640)).tobytes()


def test_accents_are_written_without_them() -> None:
    accented = draw(GOOD | {"headline": "Sláinte"}, (640, 640))
    assert accented.tobytes() == draw(GOOD | {"headline": "Slainte"}, (640, 640)).tobytes()


@pytest.mark.parametrize("length", [1, 30, 60])
@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_a_word_of_any_allowed_length_fits(layout: str, length: int) -> None:
    drawing = GOOD | {"headline": "w" * length, "subline": "W" * 80, "layout": layout}
    assert draw(drawing, (640, 1280)).size == (640, 1280)


def test_fit_keeps_words_whole_and_inside() -> None:
    font, lines = fit("Amps at Dusk", 300, 200, 90)
    assert " ".join(lines) == "Amps at Dusk"
    assert all(font.getlength(line) <= 300 for line in lines)


@pytest.mark.parametrize(
    ("ratio", "size"),
    [(1.0, (960, 960)), (0.77, (960, 1247)), (3.0, (1280, 640)), (0.33, (640, 1280))],
)
def test_picture_size(ratio: float, size: tuple[int, int]) -> None:
    assert picture_size(ratio) == size


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan"), float("inf")])
def test_picture_size_refuses_no_ratio(ratio: float) -> None:
    with pytest.raises(ValueError, match="aspect_ratio must be a positive number"):
        picture_size(ratio)


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


def pack_drawings(count: int) -> list[tuple[dict[str, Any], tuple[int, int]]]:
    """`count` drawings of the pack with their sizes, evenly spread."""
    rows = read_sql(PACK / "assets" / "templates.sql", PACK).drop_nulls("drawing")
    spread = rows.gather_every(rows.height // count).head(count)
    pairs = spread.select("drawing", "aspect_ratio").iter_rows()
    return [(json.loads(drawing), picture_size(ratio)) for drawing, ratio in pairs]


@pytest.mark.slow
def test_text_recognition_reads_the_headlines() -> None:
    from rapidocr import RapidOCR

    engine = RapidOCR()
    wanted, found = 0, 0
    for drawing, size in pack_drawings(10):
        read = engine(np.asarray(draw(drawing, size))[:, :, ::-1]).txts or ()
        seen = set(re.findall(r"[a-z0-9]+", " ".join(read).lower()))
        words = re.findall(r"[a-z0-9]+", drawing["headline"].lower())
        wanted, found = wanted + len(words), found + sum(word in seen for word in words)
    assert found / wanted >= 0.95


@pytest.mark.parametrize(
    ("text", "message"),
    [("[" * 9_000, "nested too deeply"), (" " * 10_001, "at most 10000"),
     ('{"palette": [' + "1" * 5_000 + "]}", "digits"), ("{", "Expecting")],
)  # fmt: skip
def test_json_that_is_no_drawing_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parsed(text)
