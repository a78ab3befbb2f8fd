"""The ornaments of a drawn picture: each drawn with a pen into a square box, in two colors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PIL import ImageDraw

from stages.images.colors import Color

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
Pen = ImageDraw.ImageDraw
Shape = Callable[[Pen, Box, Color, Color], None]


def _at(box: Box, x: float, y: float) -> tuple[float, float]:
    """A point of the box; (0, 0) is its upper left corner, (1, 1) its lower right one."""
    return box[0] + x * (box[2] - box[0]), box[1] + y * (box[3] - box[1])


def _part(box: Box, x0: float, y0: float, x1: float, y1: float) -> Box:
    return (*_at(box, x0, y0), *_at(box, x1, y1))


def _polygon(pen: Pen, box: Box, points: Sequence[tuple[float, float]], color: Color) -> None:
    pen.polygon([_at(box, x, y) for x, y in points], color)


def _line(
    pen: Pen, box: Box, points: Sequence[tuple[float, float]], color: Color, w: float
) -> None:
    width = max(1, round(w * (box[2] - box[0])))
    pen.line([_at(box, x, y) for x, y in points], color, width, joint="curve")


def _around(count: int, radius: float, start: float = -90.0) -> list[tuple[float, float]]:
    """`count` points on a circle around the middle of a box."""
    angles = [math.radians(start + 360 * index / count) for index in range(count)]
    return [(0.5 + radius * math.cos(a), 0.5 + radius * math.sin(a)) for a in angles]


def _disc(pen: Pen, box: Box, x: float, y: float, radius: float, color: Color) -> None:
    pen.ellipse(_part(box, x - radius, y - radius, x + radius, y + radius), color)


def _circle(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    _disc(pen, box, 0.5, 0.5, 0.46, main)
    _disc(pen, box, 0.5, 0.5, 0.2, accent)


def _star(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    outer, inner = _around(5, 0.5), _around(5, 0.21, -54)
    _polygon(pen, box, [p for pair in zip(outer, inner, strict=True) for p in pair], main)


def _balloon(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    _line(pen, box, [(0.5, 0.7), (0.46, 0.8), (0.54, 0.9), (0.5, 1.0)], main, 0.025)
    pen.ellipse(_part(box, 0.2, 0.0, 0.8, 0.68), main)
    _polygon(pen, box, [(0.5, 0.66), (0.43, 0.74), (0.57, 0.74)], main)
    pen.ellipse(_part(box, 0.3, 0.12, 0.42, 0.3), accent)


def _heart(pen: Pen, box: Box, main: Color, accent: Color) -> None:
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


def _leaf(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    steps = [index / 20 for index in range(21)]
    upper = [(0.1 + 0.8 * t - 0.25 * math.sin(math.pi * t), 0.9 - 0.8 * t) for t in steps]
    lower = [(0.1 + 0.8 * t, 0.9 - 0.8 * t + 0.25 * math.sin(math.pi * t)) for t in steps]
    _polygon(pen, box, [*upper, *reversed(lower)], main)
    _line(pen, box, [(0.02, 0.98), (0.7, 0.3)], accent, 0.03)


def _triangle(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    _polygon(pen, box, [(0.5, 0.05), (0.97, 0.9), (0.03, 0.9)], main)
    _polygon(pen, box, [(0.5, 0.42), (0.72, 0.8), (0.28, 0.8)], accent)


def _stripe(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    for index, color in enumerate((main, accent, main)):
        x = 0.02 + 0.27 * index
        _polygon(pen, box, [(x + 0.25, 0.1), (x + 0.42, 0.1), (x + 0.17, 0.9), (x, 0.9)], color)


def _confetti(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    for index in range(16):
        x, y = 0.06 + (index * 0.618) % 0.88, 0.06 + (index * 0.377 + 0.13) % 0.88
        color = (main, accent)[index % 2]
        if index % 3:
            _disc(pen, box, x, y, 0.045, color)
        else:
            _polygon(
                pen,
                box,
                [(x, y), (x + 0.1, y + 0.04), (x + 0.07, y + 0.1), (x - 0.03, y + 0.06)],
                color,
            )


def _sun(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    for (x, y), (u, v) in zip(_around(12, 0.49), _around(12, 0.32), strict=True):
        _line(pen, box, [(x, y), (u, v)], main, 0.05)
    _disc(pen, box, 0.5, 0.5, 0.26, main)


def _house(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    _polygon(pen, box, [(0.5, 0.06), (0.96, 0.48), (0.04, 0.48)], main)
    pen.rectangle(_part(box, 0.15, 0.46, 0.85, 0.94), main)
    pen.rectangle(_part(box, 0.42, 0.62, 0.58, 0.94), accent)
    pen.rectangle(_part(box, 0.23, 0.56, 0.35, 0.68), accent)
    pen.rectangle(_part(box, 0.65, 0.56, 0.77, 0.68), accent)


def _tree(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    pen.rectangle(_part(box, 0.44, 0.8, 0.56, 0.98), accent)
    for top, half in ((0.02, 0.22), (0.24, 0.3), (0.48, 0.38)):
        _polygon(pen, box, [(0.5, top), (0.5 + half, top + 0.36), (0.5 - half, top + 0.36)], main)


def _cup(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    width = max(1, round(0.06 * (box[2] - box[0])))
    pen.arc(_part(box, 0.6, 0.42, 0.95, 0.74), -90, 90, main, width)
    _polygon(pen, box, [(0.12, 0.36), (0.76, 0.36), (0.68, 0.84), (0.2, 0.84)], main)
    pen.rectangle(_part(box, 0.06, 0.88, 0.82, 0.95), main)
    for x in (0.3, 0.46, 0.62):
        _line(pen, box, [(x, 0.3), (x - 0.04, 0.22), (x + 0.04, 0.14), (x, 0.04)], main, 0.035)


def _flower(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    for x, y in _around(6, 0.29):
        _disc(pen, box, x, y, 0.19, main)
    _disc(pen, box, 0.5, 0.5, 0.17, accent)


def _cloud(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    for x, y, radius in ((0.24, 0.58, 0.2), (0.48, 0.42, 0.26), (0.74, 0.56, 0.22)):
        _disc(pen, box, x, y, radius, main)
    pen.rectangle(_part(box, 0.24, 0.55, 0.74, 0.78), main)


def _moon(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    steps = [index / 24 for index in range(25)]
    outer = [math.radians(-60 - 240 * t) for t in steps]
    inner = [math.radians(-290 + 220 * t) for t in steps]
    points = [(0.52 + 0.44 * math.cos(a), 0.5 + 0.44 * math.sin(a)) for a in outer]
    points += [(0.66 + 0.37 * math.cos(a), 0.5 + 0.37 * math.sin(a)) for a in inner]
    _polygon(pen, box, points, main)


def _gift(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    pen.rectangle(_part(box, 0.12, 0.42, 0.88, 0.95), main)
    pen.rectangle(_part(box, 0.06, 0.28, 0.94, 0.44), main)
    pen.rectangle(_part(box, 0.44, 0.28, 0.56, 0.95), accent)
    width = max(1, round(0.06 * (box[2] - box[0])))
    pen.ellipse(_part(box, 0.22, 0.06, 0.5, 0.3), outline=main, width=width)
    pen.ellipse(_part(box, 0.5, 0.06, 0.78, 0.3), outline=main, width=width)


def _cake(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    pen.rectangle(_part(box, 0.08, 0.62, 0.92, 0.95), main)
    pen.rectangle(_part(box, 0.2, 0.36, 0.8, 0.62), main)
    pen.rectangle(_part(box, 0.08, 0.7, 0.92, 0.76), accent)
    pen.rectangle(_part(box, 0.2, 0.44, 0.8, 0.5), accent)
    for x in (0.32, 0.5, 0.68):
        pen.rectangle(_part(box, x - 0.025, 0.18, x + 0.025, 0.36), main)
        pen.ellipse(_part(box, x - 0.04, 0.04, x + 0.04, 0.17), main)


def _snowflake(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    for index in range(6):
        angle = math.radians(60 * index)
        _line(pen, box, [(0.5, 0.5), _polar(0.48, angle)], main, 0.05)
        for turn in (-0.4, 0.4):
            _line(pen, box, [_polar(0.26, angle), _polar(0.42, angle + turn)], main, 0.04)


def _polar(radius: float, angle: float) -> tuple[float, float]:
    return 0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)


def _note(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    _polygon(pen, box, [(0.34, 0.1), (0.86, 0.02), (0.86, 0.18), (0.34, 0.26)], main)
    pen.rectangle(_part(box, 0.34, 0.14, 0.4, 0.8), main)
    pen.rectangle(_part(box, 0.8, 0.08, 0.86, 0.7), main)
    pen.ellipse(_part(box, 0.12, 0.7, 0.4, 0.92), main)
    pen.ellipse(_part(box, 0.58, 0.6, 0.86, 0.82), main)


def _paw(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    pen.ellipse(_part(box, 0.26, 0.46, 0.74, 0.92), main)
    for x, y in ((0.14, 0.42), (0.36, 0.2), (0.64, 0.2), (0.86, 0.42)):
        pen.ellipse(_part(box, x - 0.11, y - 0.15, x + 0.11, y + 0.15), main)


def _book(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    _polygon(pen, box, [(0.04, 0.2), (0.48, 0.3), (0.48, 0.88), (0.04, 0.78)], main)
    _polygon(pen, box, [(0.96, 0.2), (0.52, 0.3), (0.52, 0.88), (0.96, 0.78)], main)
    for y in (0.36, 0.48, 0.6):
        _line(pen, box, [(0.12, y), (0.4, y + 0.06)], accent, 0.025)
        _line(pen, box, [(0.88, y), (0.6, y + 0.06)], accent, 0.025)


def _flame(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    for scale, color in ((1.0, main), (0.5, accent)):
        points = [(0.55, 0.0), (0.72, 0.3), (0.86, 0.62), (0.74, 0.88), (0.5, 0.98)]
        points += [(0.26, 0.88), (0.14, 0.62), (0.26, 0.4), (0.36, 0.48), (0.42, 0.24)]
        scaled = [(0.5 + (x - 0.5) * scale, 0.96 + (y - 0.98) * scale) for x, y in points]
        _polygon(pen, box, scaled, color)


def _ring(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    width = max(1, round(0.08 * (box[2] - box[0])))
    pen.ellipse(_part(box, 0.16, 0.28, 0.84, 0.96), outline=main, width=width)
    _polygon(pen, box, [(0.36, 0.04), (0.64, 0.04), (0.74, 0.15), (0.5, 0.34), (0.26, 0.15)], main)


def _wave(pen: Pen, box: Box, main: Color, accent: Color) -> None:
    for row, color in ((0.3, main), (0.52, main), (0.74, main)):
        steps = [index / 40 for index in range(41)]
        points = [(0.03 + 0.94 * t, row + 0.07 * math.sin(t * 2.5 * math.tau)) for t in steps]
        _line(pen, box, points, color, 0.06)


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
