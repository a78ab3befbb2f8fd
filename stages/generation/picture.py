"""A picture in words, without a vision-language model: its text by OCR, its colours, its layout.

Everything said comes from the pixels.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from stages.core.command import InputError
from stages.engines.store import Store
from stages.images.pictures import Refused, digest, read

# Raise it when `describe` changes what it says: stored descriptions are then made again.
DESCRIBE = "describe-3"
SIDE = 960  # pixels of the longest side that is looked at
SMALL = 200  # the same for shapes
# Named colours as people say them, in sRGB; some names have several.
PALETTE = {
    "black": "#111111", "white": "#fafafa", "grey": "#8a8a8a", "red": "#d22b2b",
    "burgundy": "#7a1f33", "pink": "#f4a6c0", "coral": "#ff7f6a", "orange": "#f28c28 #ff6600",
    "peach": "#ffd7b5", "brown": "#7b4a2a", "beige": "#efe3c8 #e6d2a8", "yellow": "#f7d942",
    "mustard": "#d4a017", "gold": "#c9a227", "olive": "#7a7d2c", "green": "#2f9e44",
    "dark green": "#1d4d32", "mint": "#b8ead0", "teal": "#127c7c", "turquoise": "#40c9c1 #00e5ee",
    "sky blue": "#8ecbf0 #bfddf0", "blue": "#2563d6", "navy": "#152a55", "purple": "#6d3bb0",
    "lavender": "#c9b8ea", "magenta": "#d6339a", "silver": "#cfcfcf", "charcoal": "#454545",
    "lime": "#a4d935 #00ff00", "cream": "#fff3d8", "violet": "#a784e0",
    "blush": "#f6d5d1", "sage": "#a9b89a", "terracotta": "#c66b4a", "plum": "#5b2450",
    "slate": "#51607a", "tan": "#d6b48c", "emerald": "#0e7c5a", "aqua": "#9be3ea",
}  # fmt: skip
ANCHORS = [(name, value) for name, values in PALETTE.items() for value in values.split()]
DARK, LIGHT = 0.35, 0.7  # mean brightness, 0 to 1
LITTLE, MUCH = 4, 15  # words
EVEN = 3  # grey levels: neighbours that differ less belong to one even colour
EDGE = 14  # grey levels: neighbours that differ more belong to different shapes
PHOTO = 0.6  # share of even neighbours below which a picture is a photo; drawings have 0.67 to 0.9
MOST_TEXTS, MOST_SHAPES = 4, 3
STROKES = set("Il|/\\- ")
Box = tuple[float, float, float, float]
_own = threading.local()


class Line(NamedTuple):
    """Text in a picture and its box, in shares of the picture's width and height."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    height: float  # of one line's letters

    @classmethod
    def of(cls, text: str, box: Any, size: tuple[int, int]) -> Line:
        """From an OCR result's text and its (4, 2) box of corners in pixels."""
        (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
        upright = bottom - top > 1.5 * (right - left)  # its letters lie on their side
        height = (right - left if upright else bottom - top) / size[1]
        return cls(
            " ".join(text.split()), float(left / size[0]), float(top / size[1]),
            float(right / size[0]), float(bottom / size[1]), float(height),
        )  # fmt: skip


class Region(NamedTuple):
    """A shape of one colour; its box in shares of the picture's width and height."""

    kind: str
    colour: str
    share: float  # of the picture's area
    left: float
    top: float
    right: float
    bottom: float


def reader() -> Any:
    """The OCR engine of this thread, made once; its models are in the package."""
    if not hasattr(_own, "reader"):
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        from rapidocr import RapidOCR

        options = {
            "Global.log_level": "error",
            # The longest side that the text detector sees: half the time of its default, which
            # enlarges the picture, and the same words on template pictures.
            "Det.limit_type": "max", "Det.limit_side_len": 640,
            # Text upside down is not looked for.
            "Global.use_cls": False,
            # Several pictures at a time use the cores better than several threads on one, which
            # wait for each other in a busy loop: twice the processor time.
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }  # fmt: skip
        _own.reader = RapidOCR(params=options)
    return _own.reader


def oklab(pixels: NDArray[Any]) -> NDArray[Any]:
    """sRGB (..., 3) from 0 to 255 in Oklab: lightness, green to red, blue to yellow.

    Source: B. Ottosson, A perceptual color space for image processing, 2020.
    """
    part = np.asarray(pixels, dtype=np.float64) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ TO_LMS.T) @ TO_LAB.T


TO_LMS = np.array([[0.4122214708, 0.5363325363, 0.0514459929],
                   [0.2119034982, 0.6806995451, 0.1073969566],
                   [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
TO_LAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468],
                   [1.9779984951, -2.4285922050, 0.4505937099],
                   [0.0259040371, 0.7827717662, -0.8086757660]])  # fmt: skip
HUE = np.array([1.0, 2.0, 2.0])  # a name says the hue before the lightness
ANCHOR_COLOURS = HUE * oklab(np.array([ImageColor.getrgb(value) for _, value in ANCHORS]))


def names(pixels: NDArray[Any]) -> list[str]:
    """Name of the nearest named colour of each pixel; (n, 3) to n."""
    distances = (((HUE * oklab(pixels))[:, None] - ANCHOR_COLOURS) ** 2).sum(axis=2)
    return [ANCHORS[i][0] for i in distances.argmin(axis=1).tolist()]


def colours(
    picture: Image.Image, limit: int = 3, min_share: float = 0.04
) -> list[tuple[str, float]]:
    """Name and share of the main colours, largest share first; at least one."""
    pixel_names = names(np.asarray(picture.convert("RGB").resize((64, 64))).reshape(-1, 3))
    counts = Counter(pixel_names).most_common(limit)
    shares = [(name, round(n / len(pixel_names), 2)) for name, n in counts]
    return [entry for i, entry in enumerate(shares) if i == 0 or entry[1] >= min_share]


def brightness(picture: Image.Image) -> str:
    """dark, light or of medium brightness."""
    mean = float(np.asarray(picture.convert("L").resize((64, 64))).mean()) / 255
    return "dark" if mean < DARK else "light" if mean > LIGHT else "of medium brightness"


def texts(picture: Image.Image) -> list[Line]:
    """The lines that OCR reads, in the order in which it finds them."""
    result = reader()(np.asarray(picture)[:, :, ::-1])
    results = [] if result.txts is None else zip(result.txts, result.boxes, strict=True)
    return [Line.of(text, box, picture.size) for text, box in results]


def joined(lines: list[Line]) -> list[Line]:
    """Lines of like size, one under the other, as one text; the tallest letters first.

    Single characters and mere strokes are ornaments that OCR took for letters.
    """
    blocks: list[Line] = []
    written = [line for line in lines if len(line.text) > 1 and not STROKES.issuperset(line.text)]
    for line in sorted(written, key=lambda line: line.top):
        last = blocks[-1] if blocks else None
        if (
            last is not None
            and abs(last.height - line.height) < 0.3 * line.height
            and -0.5 * line.height < line.top - last.bottom < line.height
        ):
            blocks[-1] = Line(
                f"{last.text} {line.text}", min(last.left, line.left), last.top,
                max(last.right, line.right), line.bottom, max(last.height, line.height),
            )  # fmt: skip
        else:
            blocks.append(line)
    return sorted(blocks, key=lambda block: -block.height)


def is_photo(pixels: NDArray[np.int16]) -> bool:
    """Whether an RGB picture is a photograph: few neighbours have the same colour."""
    steps = np.abs(np.diff(pixels, axis=1)).max(axis=2)
    return steps.size > 0 and float((steps < EVEN).mean()) < PHOTO


def regions(pixels: NDArray[np.int16], lines: list[Line], min_share: float = 0.002) -> list[Region]:
    """The shapes of even colour, without the ground and the letters, largest first.

    A shape is what edges enclose: a soft gradient has none, so it stays one ground. It is as a
    shape without holes that it is named.
    """
    from scipy import ndimage

    flat = np.ones(pixels.shape[:2], dtype=bool)
    flat[:, 1:] &= np.abs(np.diff(pixels, axis=1)).max(axis=2) < EDGE
    flat[1:, :] &= np.abs(np.diff(pixels, axis=0)).max(axis=2) < EDGE
    labels: Any
    labels, _ = ndimage.label(flat)
    sizes = np.bincount(np.ravel(labels))
    height, width = pixels.shape[:2]
    shapes = []
    slices: Any = ndimage.find_objects(labels)
    for label in range(1, sizes.size):
        share = sizes[label] / flat.size
        if share < min_share:
            continue
        rows, columns = slices[label - 1]
        # A pixel of each side was lost to the edge.
        box = (max(columns.start - 1, 0) / width, max(rows.start - 1, 0) / height,
               columns.stop / width, rows.stop / height)  # fmt: skip
        middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        letters = any(
            line.left <= box[0] and box[2] <= line.right and line.top - 0.02 <= middle[1]
            and middle[1] <= line.bottom + 0.02
            for line in lines
        )  # fmt: skip
        if letters:
            continue
        fill = ndimage.binary_fill_holes(labels[rows, columns] == label).mean()
        kind = _kind(box, share, fill, width / height)
        if kind != "ground":
            colour = np.median(pixels[labels == label], axis=0)
            shapes.append(Region(kind, names(colour[None])[0], round(float(share), 3), *box))
    return sorted(shapes, key=lambda shape: -shape.share)


def _kind(box: Box, share: float, fill: float, ratio: float) -> str:
    """What a region is.

    box: its corners; share: of the picture that it covers; fill: of its box that it covers, holes
    included; ratio: the picture's width by its height.
    """
    across, down = box[2] - box[0] > 0.9, box[3] - box[1] > 0.9
    if (across and down) or share > (0.55 if fill > 0.9 else 0.35):
        return "ground"
    if fill > 0.9:
        return "band" if across else "stripe" if down else "block"
    even = 0.8 < (box[2] - box[0]) * ratio / (box[3] - box[1]) < 1.25
    return "circle" if even and 0.7 < fill < 0.86 else "shape"


def position(left: float, top: float, right: float, bottom: float) -> str:
    """Where a box is, as people say it."""
    across, down = (left + right) / 2, (top + bottom) / 2
    if down < 0.35 or down > 0.65:
        return "at the top" if down < 0.35 else "at the bottom"
    if right - left < 0.6 and (across < 0.35 or across > 0.65):
        return "on the left" if across < 0.35 else "on the right"
    return "in the middle"


def shape_phrases(shapes: list[Region]) -> list[str]:
    """The largest shapes as phrases, similar ones together: `2 large red circles at the top`."""
    alike: dict[tuple[str, str, str, str], int] = {}
    for shape in shapes:
        size = "large" if shape.share > 0.08 else "small" if shape.share < 0.02 else ""
        key = (size, shape.colour, shape.kind, position(*shape[3:]))
        alike[key] = alike.get(key, 0) + 1
    phrases = []
    for (size, colour, kind, where), count in list(alike.items())[:MOST_SHAPES]:
        phrase = " ".join(filter(None, (size, colour, kind + "s" * (count > 1))))
        number = str(count) if count > 1 else "an" if phrase[0] in "aeiou" else "a"
        phrases.append(f"{number} {phrase} {where}")
    return phrases


def amount(blocks: list[Line]) -> str:
    """How much text there is, by its words."""
    words = sum(len(block.text.split()) for block in blocks)
    return "little text" if words <= LITTLE else "much text" if words > MUCH else "text"


def describe(path: str | Path) -> dict[str, Any]:
    """What is seen in a picture file, as JSON values.

    form (wide, tall, square), colours (name, share of the picture), brightness, look (photo or
    drawing), amount of text, where the largest stands, texts (words, box in shares of width and
    height; tallest letters first), shapes (phrases; none for a photo). Raises pictures.Refused.
    """
    picture = read(path, SIDE)
    blocks = joined(texts(picture))
    small = picture.copy()
    small.thumbnail((SMALL, SMALL))
    pixels = np.asarray(small, dtype=np.int16)
    photo = is_photo(pixels)
    ratio = picture.width / picture.height
    return {
        "form": "wide" if ratio > 1.25 else "tall" if ratio < 0.8 else "square",
        "colours": colours(picture),
        "brightness": brightness(picture),
        "look": "photo" if photo else "drawing",
        "amount": amount(blocks) if blocks else "no text",
        "where": position(*blocks[0][1:5]) if blocks else "",
        "texts": [{"words": block.text, "box": [round(x, 3) for x in block[1:5]]}
                  for block in blocks[:MOST_TEXTS]],
        "shapes": [] if photo else shape_phrases(regions(pixels, blocks)),
    }  # fmt: skip


def described(path: str | Path, store: Store) -> dict[str, Any]:
    """The description of a picture file, from the store if it has one under any name."""
    name = f"{DESCRIBE}:{digest(path)}"
    stored = store.get([name])
    if name not in stored:
        try:
            stored[name] = json.dumps(describe(path))
        except Refused as why:
            raise InputError(
                f"picture {path}: {why}; it has changed since ingest: run `dvc repro`"
            ) from None
        store.put(DESCRIBE, [(name, stored[name])])
    description: dict[str, Any] = json.loads(stored[name])
    return description


def look(paths: Iterable[str | Path], store: Store) -> None:
    """Describe the pictures that the store has no description of, as many at a time as there are
    processor cores. Raises InputError as `described` does.
    """
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for _ in pool.map(lambda path: described(path, store), dict.fromkeys(paths)):
            pass


def in_words(description: dict[str, Any]) -> str:
    """The description as one line for a text model."""
    palette = [name for name, _ in description["colours"]]
    dominant = [f"mostly {name}" for name, share in description["colours"] if share > 0.5]
    light = [description["brightness"]] if " " not in description["brightness"] else []
    layout = f"{description['amount']} {description['where']}".strip()
    seen = "; ".join([*dominant, *light, description["look"], layout, *description["shapes"]])
    read = ", ".join(f'"{text["words"]}"' for text in description["texts"]) or "none"
    return f"{', '.join([description['form'], *palette])}; {seen}; words in it: {read}"


def variables(description: dict[str, Any]) -> dict[str, Any]:
    """What templates of the vision route may use; `texts` are those that a query can repeat."""
    read = [text["words"] for text in description["texts"]]
    return {
        "picture": in_words(description),
        "form": description["form"],
        "colours": [name for name, _ in description["colours"]],
        "shapes": description["shapes"],
        "texts": [text for text in read if text.isascii() and len(text) > 4],
        "where": description["where"] or "in the middle",
    }
