"""A picture in words, without a vision-language model: its text by OCR, its colours, its layout.

Everything said comes from the pixels.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

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

        _readers.append(RapidOCR(params={"Global.log_level": "error"}))
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


def describe(path: str | Path) -> dict[str, Any]:
    """Text (largest first), colours, layout and orientation of a picture file."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    result = reader()(np.asarray(picture)[:, :, ::-1])
    lines = []
    if result.txts is not None:
        for text, box in zip(result.txts, result.boxes, strict=True):
            height = float(np.ptp(box[:, 1]))
            lines.append((height, float(box[:, 1].mean()) / picture.height, text.strip()))
    lines.sort(key=lambda line: -line[0])
    where = "no text"
    if lines:
        middle = lines[0][1]
        where = "text " + ("at the top" if middle < 0.35 else "at the bottom" if middle > 0.65
                           else "in the middle")  # fmt: skip
    ratio = picture.width / picture.height
    shape = "wide" if ratio > 1.25 else "tall" if ratio < 0.8 else "square"
    return {
        "text": [text for _, _, text in lines[:4] if text],
        "colours": colours(picture),
        "layout": where,
        "shape": shape,
    }


def in_words(description: dict[str, Any]) -> str:
    """The description as one line for a text model."""
    read = ", ".join(f'"{text}"' for text in description["text"]) or "none"
    told = ", ".join(description["colours"])
    return f"{description['shape']}, {told}; {description['layout']}; words in it: {read}"
