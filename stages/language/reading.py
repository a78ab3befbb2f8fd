"""What a text says: its numbers, amounts of money, days, times and spans of time, with positions.

One pass from left to right; the tables of the locale look up the longest phrase that
begins at each word, which has a bounded number of words: linear in the text.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple

from stages.language import days
from stages.language.lexicon import LOOSE, Lexicon
from stages.language.locale import Weekday
from stages.language.tokens import Token, is_contraction

MAX_YEARS = (1_900, 2_199)


class Reading(NamedTuple):
    """A value that a text says. first, last: its words, from and to (exclusive); start, end: its
    characters. values: what it may mean, the clear meaning alone first; is_clear: whether it means
    the first and nothing else. is_vague: a word that counts and does more, such as "one" or "a".
    """

    kind: str
    values: tuple[Any, ...]
    first: int
    last: int
    start: int
    end: int
    is_clear: bool = True
    is_vague: bool = False


class Match(NamedTuple):
    """A meaning that begins at a word: `end`, the position after its last word; the rest as in
    Reading.
    """

    end: int
    values: tuple[Any, ...]
    is_clear: bool = True
    is_vague: bool = False


class Reader:
    """Reads one text's tokens in a locale, on a day (None: days are seen, not dated)."""

    def __init__(
        self, text: str, tokens: Sequence[Token], lexicon: Lexicon, today: datetime.date | None
    ) -> None:
        self.text, self.tokens, self.lexicon, self.today = text, tokens, lexicon, today
        self.words = [token.key for token in tokens]

    def readings(self) -> list[Reading]:
        """All values, also those inside others: "may 3rd" is a day and has a 3 in it."""
        result = []
        for position, token in enumerate(self.tokens):
            for kind, read in KINDS.items():
                if (match := read(self, position, token)) is not None:
                    start = token.start
                    end = self.tokens[match.end - 1].end
                    result.append(Reading(kind, match.values, position, match.end, start, end,
                                         match.is_clear, match.is_vague))  # fmt: skip
        return result

    def between(self, position: int) -> str:
        """What stands between a token and the next one."""
        if position + 1 >= len(self.tokens):
            return " "
        return self.text[self.tokens[position].end : self.tokens[position + 1].start]

    # Numbers.

    def number(self, position: int, token: Token) -> Match | None:
        """3, 2.5, 1,000, minus five, twenty five, 2 million, two and a half."""
        words, cues = self.words, self.lexicon.cues
        sign, begin = 1, position
        if token.key in cues.minus and position + 1 < len(words):
            sign, position = -1, position + 1
        value, end = self._counted(position)
        if value is None:
            if words[position] not in cues.ones:
                return None
            if position + 1 < len(words) and self._scale(position + 1):
                value, end = 1, position + 1  # a hundred
            else:
                return Match(position + 1, (1,), is_vague=True)
        is_vague = end - begin == 1 and words[begin] in cues.ones
        total: float = 0
        last = float("inf")
        while end < len(words) and 0 < (scale := self._scale(end)) < last:
            last = scale
            total += value * scale
            value, end = 0, end + 1
            more, following = self._counted(end + int(words[end : end + 1] == [cues.joint]))
            if more is None or not 0 < more < scale or self.tokens[following - 1].kind != "word":
                break
            value, end = more, following
        total += value
        for half in self.lexicon.half:
            if tuple(words[end : end + len(half)]) == half:
                total, end = total + 0.5, end + len(half)
        whole = int(total) if float(total).is_integer() else total
        return Match(end, (sign * whole,), is_vague=is_vague)

    def _scale(self, position: int) -> int:
        """What the word at a position multiplies a number by, 0 for none. A letter does so only
        where nothing parts them: 5k, but not 300 K, which are kelvins.
        """
        word, before = self.tokens[position], self.tokens[position - 1]
        is_apart = len(word.key) == 1 and word.start > before.end
        return 0 if is_apart else self.lexicon.cues.scales.get(word.key, 0)

    def _counted(self, position: int) -> tuple[float | None, int]:
        """A number without scales that starts at a position, and the position after it."""
        if position >= len(self.tokens):
            return None, position
        token = self.tokens[position]
        if token.kind == "number":
            return parsed(token.key, self.lexicon.cues.decimal), position + 1
        if token.kind == "word" and (phrase := self.lexicon.numbers.longest(self.words, position)):
            return phrase[1], position + phrase[0]
        return None, position

    def money(self, position: int, token: Token) -> Match | None:
        """$20, 20 dollars, twenty bucks, 12.50 usd."""
        currencies = self.lexicon.cues.currencies
        if token.key in currencies and token.kind == "sign" and position + 1 < len(self.tokens):
            number = self.number(position + 1, self.tokens[position + 1])
            return number._replace(is_vague=False) if number and not number.is_vague else None
        number = self.number(position, token)
        if number and number.end < len(self.words) and self.words[number.end] in currencies:
            return number._replace(end=number.end + 1, is_vague=False)
        return None

    def duration(self, position: int, token: Token) -> Match | None:
        """90 minutes, an hour and a half, 1 hour 30 minutes; as ISO 8601."""
        units, words = self.lexicon.cues.units, self.words
        seconds, end, last = 0.0, position, float("inf")
        while end < len(words):
            if phrase := self.lexicon.spans.longest(words, end):
                length, span = phrase
                unit = 60 if span % 3_600 else span
            elif (
                (count := self.number(end, self.tokens[end]))
                and count.end < len(words)
                and (unit := units.get(words[count.end], 0))
            ):
                length, span = count.end + 1 - end, count.values[0] * unit
            else:
                break
            if unit >= last:  # "2 hours 3 hours" are two
                break
            seconds, end, last = seconds + span, end + length, unit
        if end == position or seconds < 0 or not float(seconds).is_integer():
            return None
        return Match(end, (days.iso_duration(int(seconds)),))

    # Days.

    def date(self, position: int, token: Token) -> Match | None:
        """Tomorrow, next friday, may 3rd, 3 may 2026, 2026-05-03, 5/3, in two weeks."""
        if token.kind == "number" and (match := self._numeric(position)):
            return match
        for table in (self.lexicon.days, self.lexicon.nths):
            if phrase := table.longest(self.words, position):
                break
        else:
            return None
        if is_contraction(self.text[token.start : token.end]):
            return None  # "we'd" is not wednesday
        length, meaning = phrase
        end = position + length
        if table is self.lexicon.nths:  # of "on the 9th of may" the day begins behind the "on"
            inner = self.lexicon.days.longest(self.words, position + 1)
            if inner and inner[0] + 1 > length:
                return None
        if isinstance(meaning, Weekday):
            # "friday, may 3rd": the date says which.
            exact = self.lexicon.days.longest(self.words, end) if end < len(self.words) else None
            if exact and isinstance(exact[1], tuple) and not isinstance(exact[1], Weekday):
                return self._dated(exact[1], end + exact[0])
            return self._days(self._weekday(meaning), end)
        if isinstance(meaning, tuple):
            return self._dated(meaning, end)
        if self.today is None or meaning == LOOSE:
            return Match(end, (), is_clear=False)
        if table is self.lexicon.nths:
            return self._days([days.ordinal_day(meaning, self.today)], end)
        return self._days([self.today + datetime.timedelta(days=meaning)], end)

    def _weekday(self, meaning: Weekday) -> list[datetime.date]:
        return days.weekday_options(*meaning, self.today) if self.today else []

    def _days(self, dates: Sequence[datetime.date | None], end: int) -> Match:
        values = tuple(day.isoformat() for day in dates if day is not None)
        return Match(end, values, is_clear=len(values) == 1)

    def _dated(self, month_day: tuple[int, int], end: int) -> Match:
        """A month and a day with the year that may follow, or without."""
        month, day = month_day
        skipped = end + int(end < len(self.words) and self.words[end] in self.lexicon.cues.fillers)
        for position in (end, skipped):
            if year := self._year(position):
                return self._days([_valid(year, month, day)], position + 1)
        if self.today is None:
            return Match(end, ())
        return self._days([days.yearless(month, day, self.today)], end)

    def _year(self, position: int) -> int | None:
        if position < len(self.tokens) and len(key := self.words[position]) == 4 and key.isdigit():
            return int(key) if MAX_YEARS[0] <= int(key) <= MAX_YEARS[1] else None
        return None

    def _numeric(self, position: int) -> Match | None:
        """A day in numbers alone: 2026-05-03, 5/3, 5/3/2026, 3.5.2026."""
        parts, signs, end = [self.words[position]], set[str](), position
        while len(parts) < 3 and (sign := self.between(end)) in ("-", "/"):
            end += 1
            signs.add(sign)
            parts.append(self.words[end])
        if len(parts) == 1:
            parts = self.words[position].split(".")
            if len(parts) != 3 or self.lexicon.cues.decimal == ".":
                return None
        if not all(p.isdigit() and len(p) in (1, 2, 4) for p in parts) or len(signs) > 1:
            return None
        numbers = [int(p) for p in parts]
        if len(parts[0]) == 4 and len(parts) == 3:
            dates = [_valid(numbers[0], numbers[1], numbers[2])]
        elif "-" in signs and len(parts) == 2:
            return None  # a range
        else:
            first, second = numbers[:2]
            orders = [(first, second), (second, first)]
            if (month_first := self.lexicon.cues.month_first) is not None:
                orders = orders[:1] if month_first else orders[1:]
            dates = [self._of_year(m, d, numbers[2:]) for m, d in orders]
        values = list(dict.fromkeys(day for day in dates if day is not None))
        return self._days(values, end + 1) if values else None

    def _of_year(self, month: int, day: int, year: list[int]) -> datetime.date | None:
        if year:
            return _valid(year[0] if year[0] > 99 else 2_000 + year[0], month, day)
        return days.yearless(month, day, self.today) if self.today else None

    # Times.

    def time(self, position: int, token: Token) -> Match | None:
        """7 pm, 19:30, half past seven, noon."""
        end, clear = position, None
        options: tuple[int, ...] = ()
        if phrase := self.lexicon.clocks.longest(self.words, position):
            end, (options, clear) = position + phrase[0], phrase[1]
        elif token.kind == "clock":
            hour, minute = (int(part) for part in token.key.split(":"))
            if hour < 24 and minute < 60:
                end, options, clear = position + 1, (hour * 60 + minute,), hour * 60 + minute
        elif position and self.words[position - 1] in self.lexicon.cues.time_before:
            # "at 7": a number behind such a word may be an hour.
            value, following = self._counted(position)
            if value in range(1, 13) and following == position + 1:
                hour = int(value or 0) % 12
                return Match(following, (clock_of(hour * 60), clock_of(hour * 60 + 720)), False)
        if end == position:
            return None
        first = options if clear is None else (clear, *(o for o in options if o != clear))
        return Match(end, tuple(clock_of(one) for one in first), is_clear=clear is not None)


def clock_of(minute: int) -> str:
    """A minute of the day as HH:MM."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _valid(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def parsed(key: str, decimal: str) -> float | None:
    """The value of a number as written in a locale: 1,000.5 or 1.000,5; None of other text."""
    if key.lstrip("-").isdigit():
        return int(key) if len(key) <= 18 else float(key)
    group = "," if decimal == "." else "."
    whole, _, rest = key.partition(decimal)
    parts = whole.lstrip("-").split(group)
    if len(parts) > 1 and (not 0 < len(parts[0]) <= 3 or any(len(p) != 3 for p in parts[1:])):
        return None
    if (rest and not rest.isdigit()) or not all(p.isdigit() for p in parts) or len(key) > 40:
        return None
    value = float(f"{'-' if key.startswith('-') else ''}{''.join(parts)}.{rest or 0}")
    return int(value) if not rest else value


KINDS = {
    "date": Reader.date,
    "time": Reader.time,
    "money": Reader.money,
    "duration": Reader.duration,
    "number": Reader.number,
}


def cover(readings: Sequence[Reading]) -> list[Reading]:
    """The readings that a reader takes: from left to right the longest, none over another; vague
    ones left out.
    """
    ranks = {kind: rank for rank, kind in enumerate(KINDS)}
    ordered = sorted(readings, key=lambda r: (r.first, -r.last, ranks[r.kind]))
    taken: list[Reading] = []
    end = 0
    for one in ordered:
        if one.first >= end and not one.is_vague:
            taken.append(one)
            end = one.last
    return taken
