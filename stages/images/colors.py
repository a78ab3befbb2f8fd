"""Colors of a drawn picture: which of a palette show, and which read, on another."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

Color = tuple[int, int, int]

BLACK: Color = (20, 20, 20)
WHITE: Color = (255, 255, 255)
READABLE = 4.5  # contrast ratio of normal text, WCAG 2.2, 1.4.3
VISIBLE = 1.6  # contrast ratio below which an ornament would vanish


def luminance(color: Color) -> float:
    """Relative luminance from 0 (black) to 1 (white), WCAG 2.2."""
    parts = [value / 255 for value in color]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """Contrast ratio of two colors, 1 to 21, WCAG 2.2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mix(one: Color, other: Color, share: float) -> Color:
    """`one` with `share` (0 to 1) of `other` mixed in."""
    red, green, blue = [round(a + (b - a) * share) for a, b in zip(one, other, strict=True)]
    return red, green, blue


def text_color(palette: Sequence[Color], under: Sequence[Color]) -> Color:
    """The palette color that reads best on `under`; black or white when none is readable."""

    def worst(color: Color) -> float:
        return min(contrast(color, ground) for ground in under)

    best = max(palette, key=worst)
    return best if worst(best) >= READABLE else max((BLACK, WHITE), key=worst)


def ornament_colors(palette: Sequence[Color], under: Color) -> tuple[Color, ...]:
    """The palette colors that show on `under`, or else stronger tones of them; at least one."""
    seen = tuple(color for color in palette if contrast(color, under) >= VISIBLE)
    others = [color for color in palette if color != under] or [under]
    return seen or tuple(_stronger(color, under) for color in others)


def _stronger(color: Color, under: Color) -> Color:
    """A more saturated, darker (on dark ground: lighter) tone that shows on `under`."""
    dark = luminance(under) < 0.3
    hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in color))
    for step in range(1, 8):
        tone = (
            (0.5 * saturation, value + 0.12 * step)
            if dark
            else (2.2 * saturation, value - 0.09 * step)
        )
        red, green, blue = colorsys.hsv_to_rgb(hue, min(tone[0], 0.85), min(max(tone[1], 0), 1))
        candidate = round(red * 255), round(green * 255), round(blue * 255)
        if contrast(candidate, under) >= VISIBLE:
            return candidate
    return WHITE if dark else BLACK


def second(palette: Sequence[Color]) -> Color:
    """The color of panels and frames: the second of the palette, or one derived from the first."""
    return palette[1] if len(palette) > 1 else ornament_colors(palette[:0], palette[0])[0]
