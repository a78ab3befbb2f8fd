"""Length: within the band of the request and the limit of the function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.checks.words import count
from stages.core.domain import Domain
from stages.core.text import MAX_QUERY


def check(query: str, request: Mapping[str, Any], domain: Domain, prompt: str = "") -> str | None:
    """Reason if the words are fewer or more than the request (or else the function) allows."""
    if len(query) > MAX_QUERY:
        return f"{len(query)} characters, more than {MAX_QUERY}"
    words = count(query)
    least = request.get("min_words") or 1
    most = domain.function(request["function"]).max_words
    most = min(most, request.get("max_words") or most)
    if words < least:
        return f"{words} words, fewer than {least}"
    if words > most:
        return f"{words} words, more than {most}"
    return None
