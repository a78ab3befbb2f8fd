"""Whether the words carry the calls of their plan: one check a file, each a reason or None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stages.checks.call import length, said
from stages.core.text import MAX_QUERY, is_valid


class Refusal(NamedTuple):
    """Why a candidate is not taken: the check's name, and what it found."""

    check: str
    reason: str


def verdict(
    query: str, surfaces: Mapping[str, str], min_words: int = 0, max_words: int = 0
) -> Refusal | None:
    """The first objection to a query, None if there is none. surfaces: slot -> the words for it;
    max_words 0: any length will do.
    """
    if not query or len(query) > MAX_QUERY or not is_valid(query):
        return Refusal("characters", f"{len(query)} characters, or no valid text")
    if reason := length.check(query, min_words, max_words):
        return Refusal("length", reason)
    if reason := said.check(query, surfaces):
        return Refusal("said", reason)
    return None
