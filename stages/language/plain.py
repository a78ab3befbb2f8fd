"""What is the same in every language: digits and ISO forms. A locale's own file says more."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

# See `frames.py`; without them a phrase stays as it is.
VERBS: frozenset[str] = frozenset()
QUESTIONS: frozenset[str] = frozenset()
# After these a day's words have no preposition of their own.
PREPOSITIONS: Sequence[str] = ()
OPENERS: Sequence[str] = ()
REQUESTS: Sequence[str] = ()
CLOSERS: Sequence[str] = ()


def digits(value: float) -> str:
    """A number as digits: 3, 2.5."""
    return str(value) if isinstance(value, int) else f"{value:.12g}"


def integer(value: int) -> list[str]:
    return [digits(value)]


def number(value: float) -> list[str]:
    return [digits(value)]


def money(value: float, currency: str) -> list[str]:
    return [f"{digits(value)} {currency}"]


def date(day: datetime.date, today: datetime.date) -> list[str]:
    return [day.isoformat()]


def day_words(day: datetime.date, today: datetime.date) -> list[str]:
    return date(day, today)


def time(clock: datetime.time) -> list[str]:
    return [f"{clock:%H:%M}"]


def time_words(clock: datetime.time) -> list[str]:
    return time(clock)


def joined(surfaces: Sequence[str]) -> str:
    return ", ".join(surfaces)


def bare(surface: str) -> str:
    return surface


def question(words: str, schema: Mapping[str, Any]) -> str:
    return f"{words}?"


def refusal() -> str:
    return "-"
