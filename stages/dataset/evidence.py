"""What the vision route adds: figures about the words of its rows, route against route."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from stages.checks.content import content_words
from stages.checks.ungrounded import metadata
from stages.core.frame import Frame

COLORS = {
    "amber", "aqua", "beige", "black", "blue", "blush", "bronze", "brown", "burgundy", "charcoal",
    "cobalt", "copper", "coral", "cream", "crimson", "cyan", "emerald", "gold", "golden", "gray",
    "green", "grey", "indigo", "ivory", "lavender", "lilac", "lime", "magenta", "maroon", "mint",
    "mustard", "navy", "olive", "orange", "peach", "pink", "plum", "purple", "red", "rose", "sage",
    "salmon", "sand", "scarlet", "sienna", "silver", "slate", "tan", "teal", "terracotta",
    "turquoise", "violet", "white", "yellow", "dark", "light", "bright", "pastel", "colorful",
}  # fmt: skip
LAYOUT = {
    "top", "bottom", "left", "right", "middle", "center", "centre", "corner", "corners", "side",
    "sides", "edge", "edges", "border", "borders", "frame", "background", "foreground", "tall",
    "wide", "square", "vertical", "horizontal", "portrait", "landscape", "letters", "big", "large",
    "small", "tiny", "band", "stripe", "half", "row", "column",
}  # fmt: skip
SHAPES = {
    "circle", "circles", "block", "blocks", "shape", "shapes", "stripes", "bands", "star", "stars",
    "heart", "hearts", "dots", "line", "lines", "triangle", "triangles", "leaf", "leaves", "flower",
    "flowers", "sun", "moon", "tree", "trees", "cloud", "clouds", "house", "balloon", "balloons",
    "cake", "cup", "book", "gift", "flame", "wave", "waves", "snowflake", "snowflakes", "confetti",
}  # fmt: skip


def unseen_share(query: str, slots: str, frame: Frame) -> float | None:
    """Share of the content words that the item's metadata lack; None without content words. slots:
    of the plan, JSON.
    """
    content = content_words(query, frame)
    metadata_words = set(metadata(json.loads(slots)))
    return sum(word not in metadata_words for word in content) / len(content) if content else None


def figures(
    rows: pl.DataFrame, frames: Mapping[str, Frame], routes: tuple[str, ...] = ("vision", "text")
) -> dict[str, dict[str, Any]]:
    """Per route the figures of its rows; columns route, locale, query, slots.

    Everything is a share of the rows with a query, except:
    vocabulary      different content words
    new_vocabulary  those of them that no metadata in `rows` hold, of whichever route

    How varied the routes are and where they name the class is in figures.of_route.
    """
    metadata_words: set[str] = set()
    if rows["route"].is_in(routes).any():
        metadata_words = {word for slots in rows["slots"] for word in metadata(json.loads(slots))}
    by_route = {}
    for route in routes:
        part = rows.filter(route=route).select("query", "slots", "locale").rows()
        contents = [content_words(query, frames[locale]) for query, _, locale in part]
        vocabulary = {word for words in contents for word in words}
        unseen = [unseen_share(query, slots, frames[locale]) or 0.0
                  for query, slots, locale in part]  # fmt: skip
        by_route[route] = {
            "rows": len(part),
            "vocabulary": len(vocabulary),
            "new_vocabulary": len(vocabulary - metadata_words),
            "half_unseen": _share([share >= 0.5 for share in unseen]),
            "with_colour": _share([bool(COLORS & set(words)) for words in contents]),
            "with_layout": _share([bool(LAYOUT & set(words)) for words in contents]),
            "with_shape": _share([bool(SHAPES & set(words)) for words in contents]),
            "with_any": _share([bool((COLORS | LAYOUT | SHAPES) & set(w)) for w in contents]),
        }
    return by_route


def _share(values: list[bool]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
