"""A picture in words, without a vision-language model: its text by OCR, its colours, its layout.

Everything said comes from the pixels.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageColor

SIDE = 960
# Named colours as people say them, in sRGB.
PALETTE = {
    "black": "#111111", "white": "#fafafa", "grey": "#8a8a8a", "red": "#d22b2b",
    "burgundy": "#7a1f33", "pink": "#f4a6c0", "coral": "#ff7f6a", "orange": "#f28c28",
    "peach": "#ffd7b5", "brown": "#7b4a2a", "beige": "#efe3c8", "yellow": "#f7d942",
    "mustard": "#d4a017", "gold": "#c9a227", "olive": "#7a7d2c", "green": "#2f9e44",
    "dark green": "#1d4d32", "mint": "#b8ead0", "teal": "#127c7c", "turquoise": "#40c9c1",
    "sky blue": "#8ecbf0", "blue": "#2563d6", "navy": "#152a55", "purple": "#6d3bb0",
    "lavender": "#c9b8ea", "magenta": "#d6339a",
}  # fmt: skip
_readers: list[Any] = []


def reader() -> Any:
    """The OCR engine, made once; its models lie in the package."""
    if not _readers:
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        from rapidocr import RapidOCR

        # The longest side that the text detector sees: half the time of its default, which
        # enlarges the picture, and the same words on template pictures.
        limits = {"Det.limit_type": "max", "Det.limit_side_len": 640}
        _readers.append(RapidOCR(params={"Global.log_level": "error", **limits}))
    return _readers[0]


def colours(picture: Image.Image, most: int = 3, least: float = 0.04) -> list[str]:
    """Names of the main colours, largest share first."""
    small = np.asarray(picture.convert("RGB").resize((64, 64)), dtype=np.int32).reshape(-1, 1, 3)
    names = list(PALETTE)
    known = np.array([ImageColor.getrgb(PALETTE[name]) for name in names], dtype=np.int32)
    nearest = ((small - known) ** 2).sum(axis=2).argmin(axis=1)
    counts = Counter(names[i] for i in nearest.tolist())
    total = sum(counts.values())
    return [name for name, n in counts.most_common(most) if n / total >= least]


class Line(NamedTuple):
    """Text in a picture; where it lies and how tall its letters are, in pixels."""

    text: str
    top: float
    bottom: float
    height: float

    @classmethod
    def of(cls, text: str, box: Any) -> Line:
        """From an OCR result's text and its (4, 2) box of corners."""
        top, bottom = float(box[:, 1].min()), float(box[:, 1].max())
        return cls(" ".join(text.split()), top, bottom, bottom - top)


def joined(lines: list[Line]) -> list[Line]:
    """Lines of like size, one under the other, as one text; the tallest letters first.

    Single characters are ornaments that OCR took for letters.
    """
    blocks: list[Line] = []
    for line in sorted((one for one in lines if len(one.text) > 1), key=lambda one: one.top):
        last = blocks[-1] if blocks else None
        if (
            last is not None
            and abs(last.height - line.height) < 0.3 * line.height
            and -0.5 * line.height < line.top - last.bottom < line.height
        ):
            text = f"{last.text} {line.text}"
            blocks[-1] = Line(text, last.top, line.bottom, max(last.height, line.height))
        else:
            blocks.append(line)
    return sorted(blocks, key=lambda block: -block.height)


def describe(path: str | Path) -> dict[str, Any]:
    """Text (largest first), colours, layout and orientation of a picture file."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    result = reader()(np.asarray(picture)[:, :, ::-1])
    found = [] if result.txts is None else zip(result.txts, result.boxes, strict=True)
    blocks = joined([Line.of(text, box) for text, box in found])
    where = "no text"
    if blocks:
        middle = (blocks[0].top + blocks[0].bottom) / 2 / picture.height
        where = "text " + ("at the top" if middle < 0.35 else "at the bottom" if middle > 0.65
                           else "in the middle")  # fmt: skip
    ratio = picture.width / picture.height
    shape = "wide" if ratio > 1.25 else "tall" if ratio < 0.8 else "square"
    return {
        "text": [block.text for block in blocks[:4]],
        "colours": colours(picture),
        "layout": where,
        "shape": shape,
    }


def in_words(description: dict[str, Any]) -> str:
    """The description as one line for a text model."""
    read = ", ".join(f'"{text}"' for text in description["text"]) or "none"
    told = ", ".join(description["colours"])
    return f"{description['shape']}, {told}; {description['layout']}; words in it: {read}"
