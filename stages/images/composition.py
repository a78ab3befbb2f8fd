"""Draws the picture of an asset from its description: a plain poster with ornaments and two lines.

A drawing is a dict:

    headline  the big text, 1 to 60 characters
    subline   a smaller line under it, 0 to 80 characters; may be missing
    palette   1 to 5 colors "#RRGGBB", the background first
    shapes    0 to 12 names of shapes.SHAPES; unknown names are skipped; may be missing
    layout    one of layouts.LAYOUTS; may be missing (centered)

The same drawing and size give the same pixels. Fonts and shapes come with Pillow: no files. Its
font has ASCII letters only, so "Sláinte" is written "Slainte".
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageDraw

from stages.images.colors import Color
from stages.images.layouts import LAYOUTS, OVERSAMPLING, Drawing, draw_ornaments
from stages.images.lettering import write_text
from stages.images.shapes import SHAPES

LIMITS = {"headline": 60, "subline": 80, "palette": 5, "shapes": 12}
TYPOGRAPHY = str.maketrans("‘’“”–—·ßøØłŁ", "''\"\"---soOlL")
SIDES = (320, 2048)
LONGEST = 10_000  # characters of a drawing's JSON


def picture_size(aspect_ratio: float) -> tuple[int, int]:
    """Width and height in pixels for a width/height ratio: about 960 wide, each side 640 to 1280.

    Ratios beyond 1:2 and 2:1 do not fit into these bounds; they are drawn at 1:2 or 2:1.
    """
    if not (math.isfinite(aspect_ratio) and aspect_ratio > 0):
        raise ValueError(f"aspect_ratio must be a positive number, not {aspect_ratio!r}")
    ratio = min(max(aspect_ratio, 0.5), 2.0)
    width = min(max(960.0, 640 * ratio), 1280 * ratio)
    return round(width), round(width / ratio)


def draw(drawing: Mapping[str, Any], size: tuple[int, int]) -> Image.Image:
    """The RGB picture of a drawing, `size` = (width, height) in pixels.

    Raises ValueError that names the part of the drawing, its value and what would be right.
    """
    plan = check(drawing)
    if not all(isinstance(side, int) and SIDES[0] <= side <= SIDES[1] for side in size):
        raise ValueError(f"size must be two whole numbers from {SIDES[0]} to {SIDES[1]}: {size!r}")
    scene = LAYOUTS[plan.layout](plan, size)
    picture = scene.ground
    draw_ornaments(ImageDraw.Draw(picture), plan, scene)
    picture = picture.reduce(OVERSAMPLING)
    write_text(ImageDraw.Draw(picture), plan, scene)
    return picture


def parsed(text: str) -> Any:
    """The drawing in JSON text; ValueError if it is too long, nested too deeply or not JSON."""
    if len(text) > LONGEST:
        raise ValueError(f"has {len(text)} characters, at most {LONGEST} are read")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def check(drawing: Mapping[str, Any]) -> Drawing:
    """The drawing, checked; ValueError if it is not one."""
    if not isinstance(drawing, Mapping):
        raise ValueError(f"a drawing must be a mapping, not {type(drawing).__name__}")
    layout = drawing.get("layout", "centered")
    if not isinstance(layout, str) or layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {sorted(LAYOUTS)}: {_short(layout)}")
    headline = _text(drawing, "headline")
    if not headline:
        raise ValueError("headline is missing or empty: give 1 to 60 characters")
    palette = _list(drawing, "palette")
    if not palette:
        raise ValueError('palette is missing or empty: give 1 to 5 colours such as "#16264D"')
    shapes = tuple(name for name in _list(drawing, "shapes") if name in SHAPES)
    colors = tuple(_color(value) for value in palette)
    return Drawing(headline, _text(drawing, "subline"), colors, shapes, layout)


def _text(drawing: Mapping[str, Any], key: str) -> str:
    value = drawing.get(key, "")
    if not isinstance(value, str) or len(value) > LIMITS[key] or not value.isprintable():
        raise ValueError(
            f"{key} must be one line of at most {LIMITS[key]} characters: {_short(value)}"
        )
    plain = unicodedata.normalize("NFKD", value.translate(TYPOGRAPHY))
    written = " ".join(plain.encode("ascii", "ignore").decode("ascii").split())
    if value.strip() and not written:
        raise ValueError(f"{key} has no letter that the font can write: {_short(value)}")
    return written


def _list(drawing: Mapping[str, Any], key: str) -> list[str]:
    value = drawing.get(key, [])
    good = isinstance(value, list | tuple) and len(value) <= LIMITS[key]
    if not good or not all(isinstance(item, str) and len(item) <= 24 for item in value):
        raise ValueError(
            f"{key} must be a list of at most {LIMITS[key]} short texts: {_short(value)}"
        )
    return list(value)


def _color(value: str) -> Color:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise ValueError(f'palette holds {_short(value)}: a colour is written "#RRGGBB"')
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def _short(value: object) -> str:
    return repr(value)[:80]
