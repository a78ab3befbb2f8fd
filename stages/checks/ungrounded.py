"""Ungrounded: a query of the vision route that mentions nothing of its picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stages.checks.content import content_words, likeness
from stages.checks.words import words
from stages.core.domain import Domain

LEAST = 0.6


def metadata(request: Mapping[str, Any]) -> list[str]:
    """The words of the slots: what the asset's metadata say."""
    slots = request.get("slots") or "{}"
    values = json.loads(slots) if isinstance(slots, str) else slots
    listed = [value if isinstance(value, list) else [value] for value in values.values()]
    return [word for texts in listed for text in texts if text for word in words(str(text))]


def check(query: str, request: Mapping[str, Any], domain: Domain, prompt: str = "") -> str | None:
    """Reason if no content word is like a word of the picture's description or metadata.

    request["seen"], the description, is there while the query is written; without it every query
    passes. The reason keeps the score: the likeness (0 to 1) of the two words most alike.
    """
    seen = request.get("seen")
    if not seen:
        return None
    known = sorted({*words(seen), *metadata(request)})
    best = (0.0, "no content word", "anything seen")
    for word in content_words(query, domain):
        for other in known:
            best = max(best, (likeness(word, other), word, other))
            if best[0] >= LEAST:
                return None
    return f"nothing of the picture, best match {best[0]:.2f}: {best[1]} and {best[2]}"
