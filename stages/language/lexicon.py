"""The phrases of a locale that mean a number, a day, a time or a span, ready for look-up."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple

from stages.language.locale import Locale
from stages.language.tokens import keys

# Numbers below this are read in words; larger ones by the locale's `scales`.
SPELLED = 1_000
MINUTES = 1_440
# What phrases mean that name several days.
LOOSE = "several"


class Clock(NamedTuple):
    """Times of day that words may mean, in minutes; `clear`: the one that they mean alone."""

    options: tuple[int, ...]
    clear: int | None


class Lexicon:
    """Phrases by kind. `longest` finds the one with the most words that starts at a position.

    numbers: -> value; days: -> (month, day), days from today, a Weekday or LOOSE; nths: -> the
    number of a day; clocks: -> Clock; spans: -> seconds.
    """

    def __init__(self, locale: Locale) -> None:
        cues = locale.CUES
        self.cues = cues
        self.numbers = Table(self._numbers(cues.language) | dict(cues.numbers))
        self.half = tuple(keys(words) for words in cues.half)
        self.days = Table(self._days(locale))
        self.nths = Table({words: n for n in range(1, 32) for words in locale.nth(n)})
        self.clocks = Table(self._clocks(locale))
        self.spans = Table(dict(cues.spans))
        self.stem = locale.stem
        self.yes = frozenset(keys(words) for words in cues.yes)
        self.no = frozenset(keys(words) for words in cues.no)

    @staticmethod
    def _numbers(language: str) -> dict[str, float]:
        from num2words import num2words

        numbers: dict[str, float] = {}
        if not language:
            return numbers
        for value in range(SPELLED):
            try:
                words = str(num2words(value, lang=language)).casefold()
            except (
                NotImplementedError,
                OverflowError,
                TypeError,
                ValueError,
                KeyError,
                IndexError,
            ):
                break
            numbers[words] = value
            if language == "en" and " and " in words:
                numbers[words.replace(" and ", " ")] = value
            if language == "de" and words.startswith("einhundert"):
                numbers[words.removeprefix("ein")] = value
        return numbers

    @staticmethod
    def _days(locale: Locale) -> dict[str, Any]:
        days: dict[str, Any] = {}
        for day in (datetime.date(2024, 1, 1) + datetime.timedelta(n) for n in range(366)):
            for words in locale.month_day(day.month, day.day):
                days[words] = (day.month, day.day)
        cues = locale.CUES
        loose = dict.fromkeys(cues.loose, LOOSE)
        return days | loose | dict(cues.near) | dict(cues.weekdays)

    @staticmethod
    def _clocks(locale: Locale) -> dict[str, Clock]:
        options: dict[tuple[str, ...], list[int]] = {}
        clear: dict[tuple[str, ...], set[int]] = {}
        for minute in range(MINUTES):
            clock = datetime.time(*divmod(minute, 60))
            for words in locale.time(clock):
                clear.setdefault(keys(words), set()).add(minute)
            for words in (*locale.time(clock), *locale.time_words(clock)):
                options.setdefault(keys(words), []).append(minute)
        clocks = {}
        for parts, minutes in options.items():
            only = clear.get(parts, set(minutes))
            distinct = tuple(dict.fromkeys(minutes))
            # A number alone is a number: who says "at 7" is understood by the "at".
            if len(parts) > 1 or not parts[0].isdigit():
                clocks[" ".join(parts)] = Clock(distinct, min(only) if len(only) == 1 else None)
        return clocks


class Table:
    """Phrases -> meanings."""

    def __init__(self, phrases: dict[str, Any]) -> None:
        self.meanings: dict[tuple[str, ...], Any] = {}
        lengths: dict[str, set[int]] = {}
        for words, meaning in phrases.items():
            parts = keys(words)
            if parts:
                self.meanings.setdefault(parts, meaning)
                lengths.setdefault(parts[0], set()).add(len(parts))
        self.lengths = {first: sorted(counts, reverse=True) for first, counts in lengths.items()}

    def longest(self, words: Sequence[str], position: int) -> tuple[int, Any] | None:
        """The number of words and the meaning of the longest phrase that starts at `position`."""
        for length in self.lengths.get(words[position], ()):
            meaning = self.meanings.get(tuple(words[position : position + length]))
            if meaning is not None and position + length <= len(words):
                return length, meaning
        return None
