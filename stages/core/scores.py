"""Scores as metrics files have them: NAME, and NAME_low and NAME_high, the ends of its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ENDS = ("", "_low", "_high")


def with_interval(block: Mapping[str, Any]) -> list[str]:
    """The names of the scores in a model's block, in its order: what has numbers for all three."""
    return [name for name in block if all(_is_number(block.get(f"{name}{end}")) for end in ENDS)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
