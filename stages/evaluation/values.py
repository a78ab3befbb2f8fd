"""Whether a predicted value is one of the accepted: text folded, numbers by their value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from stages.core.golden_rows import ABSENT
from stages.core.text import folded, normalized

# What people put before a name or leave out.
ARTICLES = re.compile(r"(?:the|a|an)\s+")
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def plain(text: str) -> str:
    """A text without case, punctuation, and an article before it; as it is if nothing is left."""
    words = normalized(text)
    return ARTICLES.sub("", words, count=1) if ARTICLES.match(words) else words or folded(text)


def same(value: Any, accepted: Any) -> bool:
    """Whether two values say the same. A number written as text is that number."""
    if isinstance(value, bool) or isinstance(accepted, bool) or value is None or accepted is None:
        return value is accepted
    if isinstance(value, dict) and isinstance(accepted, dict):
        return value.keys() == accepted.keys() and all(
            same(held, accepted[name]) for name, held in value.items()
        )
    if isinstance(value, list) and isinstance(accepted, list):
        return len(value) == len(accepted) and _same_items(value, accepted)
    one, other = _number(value), _number(accepted)
    if one is not None and other is not None:
        return one == other
    if isinstance(value, str) and isinstance(accepted, str):
        return plain(value) == plain(accepted)
    return False


def _number(value: Any) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and len(value) < 40 and NUMBER.fullmatch(value.strip()):
        return float(value)
    return None


def _same_items(value: list[Any], accepted: list[Any]) -> bool:
    """The same items in any order: users name what they want, not a sequence."""
    rest = list(accepted)
    for one in value:
        index = next((n for n, other in enumerate(rest) if same(one, other)), None)
        if index is None:
            return False
        del rest[index]
    return True


def is_accepted(value: Any, accepted: Sequence[Any]) -> bool:
    """Whether a value that was given is one of the accepted ones."""
    return any(same(value, one) for one in accepted if one != ABSENT or value == ABSENT)


def may_be_absent(accepted: Sequence[Any]) -> bool:
    """Whether the argument may be left out."""
    return ABSENT in accepted
