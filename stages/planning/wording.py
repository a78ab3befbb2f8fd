"""Words for what only an identifier names: enum values, arguments, booleans."""

from __future__ import annotations

from collections.abc import Sequence

from stages import language
from stages.language.identifiers import booleans, named, plain
from stages.language.plain import digits


def joined(surfaces: Sequence[str], locale: str) -> str:
    """Several surfaces in one: "a, b and c"."""
    return language.of(locale).joined(surfaces)


def typed(numbers: Sequence[float], in_brackets: bool) -> str:
    """Numbers as people type them: "3, 5.5, 8" or "[3, 5.5, 8]"."""
    text = ", ".join(map(digits, numbers))
    return f"[{text}]" if in_brackets else text


__all__ = ["booleans", "joined", "named", "plain", "typed"]
