"""Ungrounded: a query about a picture that mentions nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.checks.content import content_words, likeness
from stages.checks.leaked import texts
from stages.checks.words import words
from stages.core.frame import Frame

MIN_LIKENESS = 0.6


def metadata(slots: Mapping[str, Any]) -> list[str]:
    """The words of the slots: what the content item's metadata say."""
    return [word for text in texts(slots) for word in words(text)]


def check(query: str, seen: str, slots: Mapping[str, Any], frame: Frame | None) -> str | None:
    """Reason if no content word is like a word of the picture's description or metadata.

    seen: the description, "" for a query without a picture, which passes. The reason keeps the
    score: the likeness (0 to 1) of the two words most alike.
    """
    if not seen:
        return None
    picture_words = sorted({*words(seen), *metadata(slots)})
    best = (0.0, "no content word", "anything seen")
    for word in content_words(query, frame) if frame else words(query):
        for other in picture_words:
            best = max(best, (likeness(word, other), word, other))
            if best[0] >= MIN_LIKENESS:
                return None
    return f"nothing of the picture, best match {best[0]:.2f}: {best[1]} and {best[2]}"
