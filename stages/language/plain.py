"""A language without a folder: digits, ISO forms, and what Babel and num2words know."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from stages.language import days
from stages.language.locale import Cues, References, Replies, Several

# Numbers up to this are said in words too, where num2words has the language.
WORDS_TO = 20


def digits(value: float) -> str:
    """A number as digits: 3, 2.5."""
    return str(value) if isinstance(value, int) else f"{value:.12g}"


def grouped(value: float, locale: str) -> str:
    """A number as the locale groups its digits: 1,000 or 1.000."""
    from babel.numbers import format_decimal

    return str(format_decimal(value, locale=locale)).replace("\u202f", " ").replace("\xa0", " ")


class Plain:
    """A language by its code, such as `fr` or `pt-BR`. An unknown one has digits and ISO forms."""

    VERBS: frozenset[str] = frozenset()
    QUESTIONS: frozenset[str] = frozenset()
    PREPOSITIONS: Sequence[str] = ()
    OPENERS: Sequence[str] = ()
    REQUESTS: Sequence[str] = ()
    CLOSERS: Sequence[str] = ()
    THANKS: Sequence[str] = ()
    TELLING: frozenset[str] = frozenset()
    RANGES: Sequence[str] = ()
    SEVERAL = Several()
    REPLIES = Replies()
    REFERENCES = References()

    def __init__(self, code: str) -> None:
        self.code = code.replace("-", "_")

    @cached_property
    def _babel(self) -> Any:
        from babel import Locale, UnknownLocaleError

        for code in (self.code, self.code.split("_")[0]):
            try:
                return Locale.parse(code)
            except (UnknownLocaleError, ValueError):
                continue
        return None

    @cached_property
    def _spells(self) -> str | None:
        from num2words import CONVERTER_CLASSES

        codes = (self.code, self.code.split("_")[0])
        return next((code for code in codes if code in CONVERTER_CLASSES), None)

    @cached_property
    def CUES(self) -> Cues:
        decimal = "."
        if self._babel is not None:
            symbols = self._babel.number_symbols
            decimal = symbols.get("latn", symbols).get("decimal", ".")
        return Cues(language=self._spells or "", decimal=decimal)

    def spelled(self, value: int) -> str | None:
        """A number in words, if there are some."""
        from num2words import num2words

        if self._spells is None:
            return None
        try:
            return str(num2words(value, lang=self._spells))
        except (NotImplementedError, OverflowError, TypeError, ValueError, KeyError):
            return None

    def integer(self, value: int) -> list[str]:
        words = self.spelled(value) if 2 <= value <= WORDS_TO else None
        return [digits(value), *([words, digits(value)] if words else [])]

    def number(self, value: float) -> list[str]:
        if float(value).is_integer():
            return self.integer(int(value))
        return [digits(value).replace(".", self.CUES.decimal)]

    def money(self, value: float, currency: str) -> list[str]:
        return [f"{self.number(value)[0]} {currency}"]

    def date(self, day: datetime.date, today: datetime.date) -> list[str]:
        if self._babel is None:
            return [day.isoformat()]
        words = self.month_day(day.month, day.day)[0]
        year = f" {day.year}" if days.needs_year(day, today) else ""
        return [f"{words}{year}", day.isoformat()]

    def day_words(self, day: datetime.date, today: datetime.date) -> list[str]:
        return self.date(day, today)

    def month_day(self, month: int, day: int) -> list[str]:
        from babel.dates import format_skeleton

        if self._babel is None:
            return []
        moment = datetime.date(2024, month, day)  # a leap year
        return [str(format_skeleton("MMMMd", moment, locale=self._babel))]

    def nth(self, day: int) -> list[str]:
        return []

    def time(self, clock: datetime.time) -> list[str]:
        return [f"{clock:%H:%M}"]

    def time_words(self, clock: datetime.time) -> list[str]:
        return self.time(clock)

    def moment(self, day: str, clock: str) -> list[str]:
        return [f"{day} {clock}"]

    def duration(self, seconds: int) -> list[str]:
        return [days.iso_duration(seconds)]

    def joined(self, surfaces: Sequence[str]) -> str:
        return ", ".join(surfaces)

    def split(self, surface: str) -> list[str]:
        return surface.split(", ")

    def bare(self, surface: str) -> str:
        return surface

    def joint(self, surface: str) -> str:
        return surface

    def keeps_capital(self, word: str) -> bool:
        return True

    def fitted(self, text: str, surface: str) -> str:
        return text

    def stem(self, word: str) -> str:
        return word

    def question(self, words: str, schema: Mapping[str, Any]) -> str:
        return f"{words}?"

    def failure(self, failing: str, words: str) -> str:
        return f"- {words}".rstrip()

    def done(self) -> str:
        return "+"

    def refusal(self) -> str:
        return "-"
