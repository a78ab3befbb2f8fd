"""The query has as many words as its stratum's band allows."""

from __future__ import annotations


def check(query: str, min_words: int, max_words: int) -> str | None:
    """Why the length is wrong. max_words 0: any length is right."""
    words = len(query.split())
    if max_words and not min_words <= words <= max_words:
        return f"{words} words, not {min_words} to {max_words}"
    return None
