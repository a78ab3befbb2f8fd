"""Draws the picture of an asset from its description: a plain poster with ornaments and two lines.

A drawing is a dict:

    headline  the big text, 1 to 60 characters
    subline   a smaller line under it, 0 to 80 characters; may be missing
    palette   1 to 5 colours "#RRGGBB", the background first
    shapes    0 to 12 names of SHAPES; unknown names are skipped; may be missing
    layout    one of LAYOUTS; may be missing (centered)

The same drawing and size give the same pixels. Fonts and shapes come with Pillow: no files. Its
font has ASCII letters only, so "Sláinte" is written "Slainte".
"""

from __future__ import annotations

import colorsys
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
Pen = ImageDraw.ImageDraw
Shape = Callable[[Pen, Box, Colour, Colour], None]

BLACK: Colour = (20, 20, 20)
WHITE: Colour = (255, 255, 255)
LIMITS = {"headline": 60, "subline": 80, "palette": 5, "shapes": 12}
TYPOGRAPHY = str.maketrans("‘’“”–—·ßøØłŁ", "''\"\"---soOlL")
SIDES = (320, 2048)
SMALLEST_FONT = 8
READABLE = 4.5  # contrast ratio of normal text, WCAG 2.2, 1.4.3
VISIBLE = 1.6  # contrast ratio below which an ornament would vanish
OVERSAMPLING = 2


@dataclass(frozen=True)
class Drawing:
    """A checked drawing."""

    headline: str
    subline: str
    palette: tuple[Colour, ...]
    shapes: tuple[str, ...]
    layout: str


@dataclass(frozen=True)
class Scene:
    """What a layout decides: the ground, where ornaments and text go, what lies under the text."""

    ground: Image.Image
    ornaments: tuple[tuple[Box, Colour], ...]  # box and the colour under it
    text: Box
    under_text: tuple[Colour, ...]
    align: str


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


# ------------------------------------------------------------------- checks


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
    colours = tuple(_colour(value) for value in palette)
    return Drawing(headline, _text(drawing, "subline"), colours, shapes, layout)


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


def _colour(value: str) -> Colour:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise ValueError(f'palette holds {_short(value)}: a colour is written "#RRGGBB"')
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def _short(value: object) -> str:
    return repr(value)[:80]


# ------------------------------------------------------------------ colours


def luminance(colour: Colour) -> float:
    """Relative luminance from 0 (black) to 1 (white), WCAG 2.2."""
    parts = [value / 255 for value in colour]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio of two colours, 1 to 21, WCAG 2.2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with `share` (0 to 1) of `other` mixed in."""
    red, green, blue = [round(a + (b - a) * share) for a, b in zip(one, other, strict=True)]
    return red, green, blue


def text_colour(palette: Sequence[Colour], under: Sequence[Colour]) -> Colour:
    """The palette colour that reads best on `under`; black or white when none is readable."""

    def worst(colour: Colour) -> float:
        return min(contrast(colour, ground) for ground in under)

    best = max(palette, key=worst)
    return best if worst(best) >= READABLE else max((BLACK, WHITE), key=worst)


def ornament_colours(palette: Sequence[Colour], under: Colour) -> tuple[Colour, ...]:
    """The palette colours that show on `under`, or else stronger tones of them; at least one."""
    seen = tuple(colour for colour in palette if contrast(colour, under) >= VISIBLE)
    others = [colour for colour in palette if colour != under] or [under]
    return seen or tuple(_stronger(colour, under) for colour in others)


def _stronger(colour: Colour, under: Colour) -> Colour:
    """A more saturated, darker (on dark ground: lighter) tone that shows on `under`."""
    dark = luminance(under) < 0.3
    hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
    for step in range(1, 8):
        tone = (
            (0.5 * saturation, value + 0.12 * step)
            if dark
            else (2.2 * saturation, value - 0.09 * step)
        )
        red, green, blue = colorsys.hsv_to_rgb(hue, min(tone[0], 0.85), min(max(tone[1], 0), 1))
        found = round(red * 255), round(green * 255), round(blue * 255)
        if contrast(found, under) >= VISIBLE:
            return found
    return WHITE if dark else BLACK


def second(palette: Sequence[Colour]) -> Colour:
    """The colour of panels and frames: the second of the palette, or one derived from the first."""
    return palette[1] if len(palette) > 1 else ornament_colours(palette[:0], palette[0])[0]


# ------------------------------------------------------------------ layouts


def _canvas(size: tuple[int, int], colour: Colour) -> tuple[Image.Image, Pen]:
    ground = Image.new("RGB", (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING), colour)
    return ground, ImageDraw.Draw(ground)


def _inside(ground: Image.Image, *parts: float) -> Box:
    width, height = ground.size
    return parts[0] * width, parts[1] * height, parts[2] * width, parts[3] * height


def _row(
    ground: Image.Image, top: float, bottom: float, count: int, margin: float = 0.06
) -> list[Box]:
    """`count` equal boxes side by side between two heights (shares of the picture)."""
    step = (1 - 2 * margin) / count
    lefts = [margin + step * index for index in range(count)]
    pad = step * 0.06
    return [_inside(ground, x + pad, top, x + step - pad, bottom) for x in lefts]


def _columns(ground: Image.Image) -> int:
    ratio = ground.width / ground.height
    return 3 if ratio < 0.9 else 5 if ratio < 1.6 else 7


def centered(plan: Drawing, size: tuple[int, int]) -> Scene:
    """A soft gradient, a row of ornaments above and below the text."""
    first = plan.palette[0]
    end = mix(first, second(plan.palette), 0.28)
    ground, _ = _canvas(size, first)
    ramp = Image.linear_gradient("L").resize(ground.size)
    ground.paste(end, mask=ramp)
    count = _columns(ground)
    boxes = [(box, first) for box in _row(ground, 0.06, 0.25, count)]
    boxes += [(box, end) for box in _row(ground, 0.76, 0.95, count)]
    text = _inside(ground, 0.08, 0.29, 0.92, 0.72)
    return Scene(ground, tuple(boxes), text, (first, end), "center")


def left(plan: Drawing, size: tuple[int, int]) -> Scene:
    """Text on the left; on the right a large disc with one big ornament and small ones around."""
    first, panel = plan.palette[0], second(plan.palette)
    ground, pen = _canvas(size, first)
    width, height = ground.size
    radius = min(width * 0.36, height * 0.62)
    centre_x, centre_y = width * 0.97, height * 0.52
    pen.ellipse((centre_x - radius, centre_y - radius, centre_x + radius, centre_y + radius), panel)
    big = (width * 0.97 - radius * 0.86, height * 0.52 - radius * 0.5)
    side = radius * 0.86
    boxes: list[tuple[Box, Colour]] = [((big[0], big[1], big[0] + side, big[1] + side), panel)]
    small = min(width, height) * 0.11
    for x, y in ((0.64, 0.04), (0.8, 0.02), (0.64, 0.86), (0.8, 0.88)):
        if (width * x + small / 2 - centre_x) ** 2 + (height * y + small / 2 - centre_y) ** 2 > (
            radius + small * 0.75
        ) ** 2:
            boxes.append(((width * x, height * y, width * x + small, height * y + small), first))
    pen.rectangle(_inside(ground, 0.0, 0.0, 0.018, 1.0), panel)
    edge = min(0.62, (centre_x - radius) / width - 0.02)
    return Scene(ground, tuple(boxes), _inside(ground, 0.07, 0.08, edge, 0.92), (first,), "left")


def banner(plan: Drawing, size: tuple[int, int]) -> Scene:
    """A band across the middle holds the text; ornaments stand above and below it."""
    first, band = plan.palette[0], second(plan.palette)
    ground, pen = _canvas(size, first)
    pen.rectangle(_inside(ground, 0.0, 0.29, 1.0, 0.73), band)
    line = ornament_colours(plan.palette[2:], band)[0]
    for top in (0.305, 0.709):
        pen.rectangle(_inside(ground, 0.0, top, 1.0, top + 0.006), line)
    count = _columns(ground)
    boxes = [*_row(ground, 0.06, 0.25, count), *_row(ground, 0.77, 0.96, count)]
    text = _inside(ground, 0.06, 0.325, 0.94, 0.695)
    return Scene(ground, tuple((box, first) for box in boxes), text, (band,), "center")


def framed(plan: Drawing, size: tuple[int, int]) -> Scene:
    """A double frame with ornaments in the corners and two between them."""
    first = plan.palette[0]
    ground, pen = _canvas(size, first)
    lines = ornament_colours(plan.palette[1:], first)
    unit = min(ground.size) / 100
    for inset, colour, wide in ((3, lines[0], 1.6), (6, lines[-1], 0.5)):
        edge = inset * unit
        box = (edge, edge, ground.width - edge, ground.height - edge)
        pen.rectangle(box, outline=colour, width=max(1, round(wide * unit)))
    side = 15 * unit
    near, far_x, far_y = 9 * unit, ground.width - 24 * unit, ground.height - 24 * unit
    middle = (ground.width - side) / 2
    spots = [(x, y) for y in (near, far_y) for x in (near, middle, far_x)]
    boxes = tuple(((x, y, x + side, y + side), first) for x, y in spots)
    margin = 26 * unit / ground.height
    return Scene(ground, boxes, _inside(ground, 0.11, margin, 0.89, 1 - margin), (first,), "center")


def split(plan: Drawing, size: tuple[int, int]) -> Scene:
    """A coloured panel with one large ornament and two small ones; the text beside or below it."""
    first, panel = plan.palette[0], second(plan.palette)
    ground, pen = _canvas(size, first)
    wide = ground.width >= ground.height * 1.1
    area = _inside(ground, 0, 0, 0.4, 1) if wide else _inside(ground, 0, 0, 1, 0.46)
    text = (0.45, 0.08, 0.95, 0.92) if wide else (0.07, 0.51, 0.93, 0.95)
    pen.rectangle(area, panel)
    width, height = area[2], area[3]
    side = min(width, height) * 0.5
    x, y = (width - side) / 2, (height - side) / 2
    small = side * 0.32
    boxes = [
        (x, y, x + side, y + side),
        (x - small * 1.05, y - small * 0.5, x - small * 0.05, y + small * 0.5),
        (x + side, y + side - small * 0.5, x + side + small, y + side + small * 0.5),
    ]
    pairs = tuple((box, panel) for box in boxes)
    return Scene(ground, pairs, _inside(ground, *text), (first,), "center")


LAYOUTS: dict[str, Callable[[Drawing, tuple[int, int]], Scene]] = {
    "centered": centered,
    "left": left,
    "banner": banner,
    "framed": framed,
    "split": split,
}


# --------------------------------------------------------------------- text


def write_text(pen: Pen, plan: Drawing, scene: Scene) -> None:
    """Writes headline, a short rule and subline into the scene's text box, as large as fits."""
    box = tuple(part / OVERSAMPLING for part in scene.text)
    width, height = box[2] - box[0], box[3] - box[1]
    share = 0.66 if plan.subline else 0.96
    head, head_lines = fit(plan.headline, width, height * share, min(height * 0.34, width * 0.2))
    small, small_lines = fit(plan.subline, width, height * 0.22, head.size * 0.55)
    gap = head.size * 0.5 if small_lines else 0.0
    total = _tall(head) * len(head_lines) + gap + _tall(small) * len(small_lines)
    y = box[1] + (height - total) / 2
    colour = text_colour(plan.palette, scene.under_text)
    y = _write(pen, head_lines, head, colour, (box[0], y, box[2]), scene.align, bold=True)
    if small_lines:
        _rule(pen, (box[0], y + gap * 0.35, box[2]), head.size, colour, scene.align)
        _write(pen, small_lines, small, colour, (box[0], y + gap, box[2]), scene.align, bold=False)


def fit(
    text: str, width: float, height: float, largest: float
) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest font, and the lines, with which `text` stays inside width x height pixels.

    A word is broken only where even the smallest font is too wide for it. Raises ValueError when
    nothing fits.
    """
    sizes = [*range(round(largest), SMALLEST_FONT, -2), SMALLEST_FONT]
    for size in sizes:
        font = _font(size)
        words = text.split()
        if size == SMALLEST_FONT:
            words = [part for word in words for part in _broken(word, font, width)]
        lines = wrap(words, font, width)
        if lines is not None and len(lines) * _tall(font) <= height:
            return font, lines
    raise ValueError(f"text does not fit into {width:.0f} x {height:.0f} pixels: {_short(text)}")


def wrap(words: Sequence[str], font: ImageFont.FreeTypeFont, width: float) -> list[str] | None:
    """The words in lines of at most `width` pixels; None if a word is wider than that."""
    lines: list[str] = []
    for word in words:
        if _line_width(word, font) > width:
            return None
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _line_width(longer, font) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _broken(word: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """The word in parts that are each at most `width` pixels wide."""
    parts = [""]
    for letter in word:
        if _line_width(parts[-1] + letter, font) > width and parts[-1]:
            parts.append("")
        parts[-1] += letter
    return parts


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType: install the wheel from PyPI")
    return font


def _tall(font: ImageFont.FreeTypeFont) -> float:
    return font.size * 1.28


def _space(font: ImageFont.FreeTypeFont) -> float:
    return font.size * 0.36


def _stroke(font: ImageFont.FreeTypeFont) -> int:
    return max(1, round(font.size / 36))


def _line_width(line: str, font: ImageFont.FreeTypeFont) -> float:
    words = line.split()
    letters = sum(font.getlength(word) for word in words)
    return letters + _space(font) * (len(words) - 1) + 2 * _stroke(font)


def _write(
    pen: Pen,
    lines: Sequence[str],
    font: ImageFont.FreeTypeFont,
    colour: Colour,
    place: tuple[float, float, float],
    align: str,
    bold: bool,
) -> float:
    """Writes lines from `place` = (left, top, right) down; returns where the next would start."""
    x_left, y, x_right = place
    for line in lines:
        slack = x_right - x_left - _line_width(line, font)
        x = x_left + (slack / 2 if align == "center" else 0.0) + _stroke(font)
        for word in line.split():
            pen.text((x, y), word, colour, font, stroke_width=_stroke(font) if bold else 0)
            x += font.getlength(word) + _space(font)
        y += _tall(font)
    return y


def _rule(
    pen: Pen, place: tuple[float, float, float], size: float, colour: Colour, align: str
) -> None:
    x_left, y, x_right = place
    length = min((x_right - x_left) * 0.22, size * 2.2)
    x = (x_left + x_right - length) / 2 if align == "center" else x_left
    pen.rectangle((x, y, x + length, y + max(2.0, size / 24)), colour)


# ------------------------------------------------------------------- shapes


def draw_ornaments(pen: Pen, plan: Drawing, scene: Scene) -> None:
    """Draws the shapes in turn into the scene's boxes, in the colours that show there."""
    if not plan.shapes:
        return
    for index, (box, under) in enumerate(scene.ornaments):
        colours = ornament_colours(plan.palette, under)
        main = colours[index % len(colours)]
        accent = ornament_colours([c for c in (*plan.palette, WHITE, BLACK) if c != under], main)[0]
        SHAPES[plan.shapes[index % len(plan.shapes)]](pen, _square(box), main, accent)


def _square(box: Box) -> Box:
    side = min(box[2] - box[0], box[3] - box[1])
    x, y = (box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2
    return x, y, x + side, y + side


def _at(box: Box, x: float, y: float) -> tuple[float, float]:
    """A point of the box; (0, 0) is its upper left corner, (1, 1) its lower right one."""
    return box[0] + x * (box[2] - box[0]), box[1] + y * (box[3] - box[1])


def _part(box: Box, x0: float, y0: float, x1: float, y1: float) -> Box:
    return (*_at(box, x0, y0), *_at(box, x1, y1))


def _polygon(pen: Pen, box: Box, points: Sequence[tuple[float, float]], colour: Colour) -> None:
    pen.polygon([_at(box, x, y) for x, y in points], colour)


def _line(
    pen: Pen, box: Box, points: Sequence[tuple[float, float]], colour: Colour, w: float
) -> None:
    width = max(1, round(w * (box[2] - box[0])))
    pen.line([_at(box, x, y) for x, y in points], colour, width, joint="curve")


def _around(count: int, radius: float, start: float = -90.0) -> list[tuple[float, float]]:
    """`count` points on a circle around the middle of a box."""
    angles = [math.radians(start + 360 * index / count) for index in range(count)]
    return [(0.5 + radius * math.cos(a), 0.5 + radius * math.sin(a)) for a in angles]


def _disc(pen: Pen, box: Box, x: float, y: float, radius: float, colour: Colour) -> None:
    pen.ellipse(_part(box, x - radius, y - radius, x + radius, y + radius), colour)


def _circle(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    _disc(pen, box, 0.5, 0.5, 0.46, main)
    _disc(pen, box, 0.5, 0.5, 0.2, accent)


def _star(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    outer, inner = _around(5, 0.5), _around(5, 0.21, -54)
    _polygon(pen, box, [p for pair in zip(outer, inner, strict=True) for p in pair], main)


def _balloon(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    _line(pen, box, [(0.5, 0.7), (0.46, 0.8), (0.54, 0.9), (0.5, 1.0)], main, 0.025)
    pen.ellipse(_part(box, 0.2, 0.0, 0.8, 0.68), main)
    _polygon(pen, box, [(0.5, 0.66), (0.43, 0.74), (0.57, 0.74)], main)
    pen.ellipse(_part(box, 0.3, 0.12, 0.42, 0.3), accent)


def _heart(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    angles = [math.tau * index / 60 for index in range(60)]
    points = [
        (
            0.5 + 0.029 * 16 * math.sin(a) ** 3,
            0.46
            - 0.029
            * (13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)),
        )
        for a in angles
    ]
    _polygon(pen, box, points, main)


def _leaf(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    steps = [index / 20 for index in range(21)]
    upper = [(0.1 + 0.8 * t - 0.25 * math.sin(math.pi * t), 0.9 - 0.8 * t) for t in steps]
    lower = [(0.1 + 0.8 * t, 0.9 - 0.8 * t + 0.25 * math.sin(math.pi * t)) for t in steps]
    _polygon(pen, box, [*upper, *reversed(lower)], main)
    _line(pen, box, [(0.02, 0.98), (0.7, 0.3)], accent, 0.03)


def _triangle(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    _polygon(pen, box, [(0.5, 0.05), (0.97, 0.9), (0.03, 0.9)], main)
    _polygon(pen, box, [(0.5, 0.42), (0.72, 0.8), (0.28, 0.8)], accent)


def _stripe(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    for index, colour in enumerate((main, accent, main)):
        x = 0.02 + 0.27 * index
        _polygon(pen, box, [(x + 0.25, 0.1), (x + 0.42, 0.1), (x + 0.17, 0.9), (x, 0.9)], colour)


def _confetti(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    for index in range(16):
        x, y = 0.06 + (index * 0.618) % 0.88, 0.06 + (index * 0.377 + 0.13) % 0.88
        colour = (main, accent)[index % 2]
        if index % 3:
            _disc(pen, box, x, y, 0.045, colour)
        else:
            _polygon(
                pen,
                box,
                [(x, y), (x + 0.1, y + 0.04), (x + 0.07, y + 0.1), (x - 0.03, y + 0.06)],
                colour,
            )


def _sun(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    for (x, y), (u, v) in zip(_around(12, 0.49), _around(12, 0.32), strict=True):
        _line(pen, box, [(x, y), (u, v)], main, 0.05)
    _disc(pen, box, 0.5, 0.5, 0.26, main)


def _house(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    _polygon(pen, box, [(0.5, 0.06), (0.96, 0.48), (0.04, 0.48)], main)
    pen.rectangle(_part(box, 0.15, 0.46, 0.85, 0.94), main)
    pen.rectangle(_part(box, 0.42, 0.62, 0.58, 0.94), accent)
    pen.rectangle(_part(box, 0.23, 0.56, 0.35, 0.68), accent)
    pen.rectangle(_part(box, 0.65, 0.56, 0.77, 0.68), accent)


def _tree(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    pen.rectangle(_part(box, 0.44, 0.8, 0.56, 0.98), accent)
    for top, half in ((0.02, 0.22), (0.24, 0.3), (0.48, 0.38)):
        _polygon(pen, box, [(0.5, top), (0.5 + half, top + 0.36), (0.5 - half, top + 0.36)], main)


def _cup(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    width = max(1, round(0.06 * (box[2] - box[0])))
    pen.arc(_part(box, 0.6, 0.42, 0.95, 0.74), -90, 90, main, width)
    _polygon(pen, box, [(0.12, 0.36), (0.76, 0.36), (0.68, 0.84), (0.2, 0.84)], main)
    pen.rectangle(_part(box, 0.06, 0.88, 0.82, 0.95), main)
    for x in (0.3, 0.46, 0.62):
        _line(pen, box, [(x, 0.3), (x - 0.04, 0.22), (x + 0.04, 0.14), (x, 0.04)], main, 0.035)


def _flower(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    for x, y in _around(6, 0.29):
        _disc(pen, box, x, y, 0.19, main)
    _disc(pen, box, 0.5, 0.5, 0.17, accent)


def _cloud(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    for x, y, radius in ((0.24, 0.58, 0.2), (0.48, 0.42, 0.26), (0.74, 0.56, 0.22)):
        _disc(pen, box, x, y, radius, main)
    pen.rectangle(_part(box, 0.24, 0.55, 0.74, 0.78), main)


def _moon(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    steps = [index / 24 for index in range(25)]
    outer = [math.radians(-60 - 240 * t) for t in steps]
    inner = [math.radians(-290 + 220 * t) for t in steps]
    points = [(0.52 + 0.44 * math.cos(a), 0.5 + 0.44 * math.sin(a)) for a in outer]
    points += [(0.66 + 0.37 * math.cos(a), 0.5 + 0.37 * math.sin(a)) for a in inner]
    _polygon(pen, box, points, main)


def _gift(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    pen.rectangle(_part(box, 0.12, 0.42, 0.88, 0.95), main)
    pen.rectangle(_part(box, 0.06, 0.28, 0.94, 0.44), main)
    pen.rectangle(_part(box, 0.44, 0.28, 0.56, 0.95), accent)
    width = max(1, round(0.06 * (box[2] - box[0])))
    pen.ellipse(_part(box, 0.22, 0.06, 0.5, 0.3), outline=main, width=width)
    pen.ellipse(_part(box, 0.5, 0.06, 0.78, 0.3), outline=main, width=width)


def _cake(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    pen.rectangle(_part(box, 0.08, 0.62, 0.92, 0.95), main)
    pen.rectangle(_part(box, 0.2, 0.36, 0.8, 0.62), main)
    pen.rectangle(_part(box, 0.08, 0.7, 0.92, 0.76), accent)
    pen.rectangle(_part(box, 0.2, 0.44, 0.8, 0.5), accent)
    for x in (0.32, 0.5, 0.68):
        pen.rectangle(_part(box, x - 0.025, 0.18, x + 0.025, 0.36), main)
        pen.ellipse(_part(box, x - 0.04, 0.04, x + 0.04, 0.17), main)


def _snowflake(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    for index in range(6):
        angle = math.radians(60 * index)
        _line(pen, box, [(0.5, 0.5), _polar(0.48, angle)], main, 0.05)
        for turn in (-0.4, 0.4):
            _line(pen, box, [_polar(0.26, angle), _polar(0.42, angle + turn)], main, 0.04)


def _polar(radius: float, angle: float) -> tuple[float, float]:
    return 0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)


def _note(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    _polygon(pen, box, [(0.34, 0.1), (0.86, 0.02), (0.86, 0.18), (0.34, 0.26)], main)
    pen.rectangle(_part(box, 0.34, 0.14, 0.4, 0.8), main)
    pen.rectangle(_part(box, 0.8, 0.08, 0.86, 0.7), main)
    pen.ellipse(_part(box, 0.12, 0.7, 0.4, 0.92), main)
    pen.ellipse(_part(box, 0.58, 0.6, 0.86, 0.82), main)


def _paw(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    pen.ellipse(_part(box, 0.26, 0.46, 0.74, 0.92), main)
    for x, y in ((0.14, 0.42), (0.36, 0.2), (0.64, 0.2), (0.86, 0.42)):
        pen.ellipse(_part(box, x - 0.11, y - 0.15, x + 0.11, y + 0.15), main)


def _book(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    _polygon(pen, box, [(0.04, 0.2), (0.48, 0.3), (0.48, 0.88), (0.04, 0.78)], main)
    _polygon(pen, box, [(0.96, 0.2), (0.52, 0.3), (0.52, 0.88), (0.96, 0.78)], main)
    for y in (0.36, 0.48, 0.6):
        _line(pen, box, [(0.12, y), (0.4, y + 0.06)], accent, 0.025)
        _line(pen, box, [(0.88, y), (0.6, y + 0.06)], accent, 0.025)


def _flame(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    for scale, colour in ((1.0, main), (0.5, accent)):
        points = [(0.55, 0.0), (0.72, 0.3), (0.86, 0.62), (0.74, 0.88), (0.5, 0.98)]
        points += [(0.26, 0.88), (0.14, 0.62), (0.26, 0.4), (0.36, 0.48), (0.42, 0.24)]
        scaled = [(0.5 + (x - 0.5) * scale, 0.96 + (y - 0.98) * scale) for x, y in points]
        _polygon(pen, box, scaled, colour)


def _ring(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    width = max(1, round(0.08 * (box[2] - box[0])))
    pen.ellipse(_part(box, 0.16, 0.28, 0.84, 0.96), outline=main, width=width)
    _polygon(pen, box, [(0.36, 0.04), (0.64, 0.04), (0.74, 0.15), (0.5, 0.34), (0.26, 0.15)], main)


def _wave(pen: Pen, box: Box, main: Colour, accent: Colour) -> None:
    for row, colour in ((0.3, main), (0.52, main), (0.74, main)):
        steps = [index / 40 for index in range(41)]
        points = [(0.03 + 0.94 * t, row + 0.07 * math.sin(t * 2.5 * math.tau)) for t in steps]
        _line(pen, box, points, colour, 0.06)


SHAPES: dict[str, Shape] = {
    "balloon": _balloon,
    "book": _book,
    "cake": _cake,
    "circle": _circle,
    "cloud": _cloud,
    "confetti": _confetti,
    "cup": _cup,
    "flame": _flame,
    "flower": _flower,
    "gift": _gift,
    "heart": _heart,
    "house": _house,
    "leaf": _leaf,
    "moon": _moon,
    "note": _note,
    "paw": _paw,
    "ring": _ring,
    "snowflake": _snowflake,
    "star": _star,
    "stripe": _stripe,
    "sun": _sun,
    "tree": _tree,
    "triangle": _triangle,
    "wave": _wave,
}
