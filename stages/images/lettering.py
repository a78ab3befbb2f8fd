"""The two lines of a drawn picture, as large as they fit into their box."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import ImageFont

from stages.images.colors import Color, text_color
from stages.images.layouts import OVERSAMPLING, Drawing, Scene
from stages.images.shapes import Pen

SMALLEST_FONT = 8


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
    color = text_color(plan.palette, scene.under_text)
    y = _write(pen, head_lines, head, color, (box[0], y, box[2]), scene.align, bold=True)
    if small_lines:
        _rule(pen, (box[0], y + gap * 0.35, box[2]), head.size, color, scene.align)
        _write(pen, small_lines, small, color, (box[0], y + gap, box[2]), scene.align, bold=False)


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
    raise ValueError(f"text does not fit into {width:.0f} x {height:.0f} pixels: {text!r:.80}")


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
    color: Color,
    area: tuple[float, float, float],
    align: str,
    bold: bool,
) -> float:
    """Writes lines from `area` = (left, top, right) down; returns the y of the next one."""
    x_left, y, x_right = area
    for line in lines:
        slack = x_right - x_left - _line_width(line, font)
        x = x_left + (slack / 2 if align == "center" else 0.0) + _stroke(font)
        for word in line.split():
            pen.text((x, y), word, color, font, stroke_width=_stroke(font) if bold else 0)
            x += font.getlength(word) + _space(font)
        y += _tall(font)
    return y


def _rule(
    pen: Pen, area: tuple[float, float, float], size: float, color: Color, align: str
) -> None:
    x_left, y, x_right = area
    length = min((x_right - x_left) * 0.22, size * 2.2)
    x = (x_left + x_right - length) / 2 if align == "center" else x_left
    pen.rectangle((x, y, x + length, y + max(2.0, size / 24)), color)
