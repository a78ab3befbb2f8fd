"""Every argument that a query is to say is in its words."""

from __future__ import annotations

from collections.abc import Mapping

from stages.core.text import normalized


def check(query: str, surfaces: Mapping[str, str]) -> str | None:
    """What is not said. surfaces: slot -> the words for it."""
    text = f" {normalized(query)} "
    for slot, words in surfaces.items():
        plain = normalized(words)
        # Signs alone are no words; they stand there as they are.
        if f" {plain} " not in text if plain else words not in query:
            return f"{slot} is not said: {words:.80}"
    return None
