"""Words for what only an identifier names: enum values, arguments, booleans."""

from __future__ import annotations

from collections.abc import Sequence

from stages import language
from stages.language.identifiers import booleans, named, plain


def joined(surfaces: Sequence[str], locale: str) -> str:
    """Several surfaces in one: "a, b and c"."""
    return language.of(locale).joined(surfaces)


__all__ = ["booleans", "joined", "named", "plain"]
