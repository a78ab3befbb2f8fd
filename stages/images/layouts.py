"""Layouts of a drawn picture: the ground, where the ornaments stand, where the text goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from stages.images.colors import BLACK, WHITE, Color, mix, ornament_colors, second
from stages.images.shapes import SHAPES, Box, Pen

OVERSAMPLING = 2


@dataclass(frozen=True)
class Drawing:
    """A checked drawing."""

    headline: str
    subline: str
    palette: tuple[Color, ...]
    shapes: tuple[str, ...]
    layout: str


@dataclass(frozen=True)
class Scene:
    """What a layout decides: the ground, where ornaments and text go, what lies under the text."""

    ground: Image.Image
    ornaments: tuple[tuple[Box, Color], ...]  # box and the color under it
    text: Box
    under_text: tuple[Color, ...]
    align: str


def draw_ornaments(pen: Pen, plan: Drawing, scene: Scene) -> None:
    """Draws the shapes in turn into the scene's boxes, in the colors that show there."""
    if not plan.shapes:
        return
    for index, (box, under) in enumerate(scene.ornaments):
        colors = ornament_colors(plan.palette, under)
        main = colors[index % len(colors)]
        accent = ornament_colors([c for c in (*plan.palette, WHITE, BLACK) if c != under], main)[0]
        SHAPES[plan.shapes[index % len(plan.shapes)]](pen, _square(box), main, accent)


def _square(box: Box) -> Box:
    side = min(box[2] - box[0], box[3] - box[1])
    x, y = (box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2
    return x, y, x + side, y + side


def _canvas(size: tuple[int, int], color: Color) -> tuple[Image.Image, Pen]:
    ground = Image.new("RGB", (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING), color)
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
    center_x, center_y = width * 0.97, height * 0.52
    pen.ellipse((center_x - radius, center_y - radius, center_x + radius, center_y + radius), panel)
    big = (width * 0.97 - radius * 0.86, height * 0.52 - radius * 0.5)
    side = radius * 0.86
    boxes: list[tuple[Box, Color]] = [((big[0], big[1], big[0] + side, big[1] + side), panel)]
    small = min(width, height) * 0.11
    for x, y in ((0.64, 0.04), (0.8, 0.02), (0.64, 0.86), (0.8, 0.88)):
        if (width * x + small / 2 - center_x) ** 2 + (height * y + small / 2 - center_y) ** 2 > (
            radius + small * 0.75
        ) ** 2:
            boxes.append(((width * x, height * y, width * x + small, height * y + small), first))
    pen.rectangle(_inside(ground, 0.0, 0.0, 0.018, 1.0), panel)
    edge = min(0.62, (center_x - radius) / width - 0.02)
    return Scene(ground, tuple(boxes), _inside(ground, 0.07, 0.08, edge, 0.92), (first,), "left")


def banner(plan: Drawing, size: tuple[int, int]) -> Scene:
    """A band across the middle holds the text; ornaments stand above and below it."""
    first, band = plan.palette[0], second(plan.palette)
    ground, pen = _canvas(size, first)
    pen.rectangle(_inside(ground, 0.0, 0.29, 1.0, 0.73), band)
    line = ornament_colors(plan.palette[2:], band)[0]
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
    lines = ornament_colors(plan.palette[1:], first)
    unit = min(ground.size) / 100
    for inset, color, wide in ((3, lines[0], 1.6), (6, lines[-1], 0.5)):
        edge = inset * unit
        box = (edge, edge, ground.width - edge, ground.height - edge)
        pen.rectangle(box, outline=color, width=max(1, round(wide * unit)))
    side = 15 * unit
    near, far_x, far_y = 9 * unit, ground.width - 24 * unit, ground.height - 24 * unit
    middle = (ground.width - side) / 2
    spots = [(x, y) for y in (near, far_y) for x in (near, middle, far_x)]
    boxes = tuple(((x, y, x + side, y + side), first) for x, y in spots)
    margin = 26 * unit / ground.height
    return Scene(ground, boxes, _inside(ground, 0.11, margin, 0.89, 1 - margin), (first,), "center")


def split(plan: Drawing, size: tuple[int, int]) -> Scene:
    """A colored panel with one large ornament and two small ones; the text beside or below it."""
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
