"""Where a text says a value: as written, in other words of the same meaning, or inflected."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from stages.language.locales import lexicon
from stages.language.reading import Reader, Reading, cover
from stages.language.tokens import MAX_TEXT, keys, tokens

# A word's plural or possessive counts as the word if the stem has this many letters.
MIN_STEM = 3
# Most spans of one value in one text.
MAX_SPANS = 100


class Span(NamedTuple):
    """Characters of a text, from and to (exclusive)."""

    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


class Text:
    """A text in a locale, said on a day; what it says is computed once, on first use."""

    def __init__(self, text: str, locale: str, today: datetime.date | None = None) -> None:
        self.text, self.locale, self.today = text[:MAX_TEXT], locale, today
        self.tokens = tokens(self.text)
        self.lexicon = lexicon(locale)

    @cached_property
    def words(self) -> Sequence[str]:
        """The keys of its tokens."""
        return [token.key for token in self.tokens]

    @cached_property
    def stems(self) -> list[str]:
        """Its words without number and case."""
        return [self.stem(word) for word in self.words]

    def stem(self, word: str) -> str:
        """A word's stem; the word itself where the stem would be too short."""
        stem = self.lexicon.stem(word)
        return stem if len(stem) >= MIN_STEM else word

    @cached_property
    def _positions(self) -> dict[str, list[int]]:
        positions: dict[str, list[int]] = {}
        for position, word in enumerate(self.stems):
            positions.setdefault(word, []).append(position)
        return positions

    @cached_property
    def readings(self) -> Sequence[Reading]:
        """All values that it says, also those inside others."""
        return Reader(self.text, self.tokens, self.lexicon, self.today).readings()

    @cached_property
    def said(self) -> Sequence[Reading]:
        """The values that a reader takes from it, from left to right, none over another."""
        return cover(self.readings)

    @cached_property
    def by_span(self) -> dict[Span, list[Reading]]:
        """What each stretch of it may say: "at 7" a number and a time."""
        spans: dict[Span, list[Reading]] = {}
        for one in self.readings:
            spans.setdefault(Span(one.start, one.end), []).append(one)
        return spans

    def span(self, first: int, last: int) -> Span:
        """The characters of some of its tokens."""
        return Span(self.tokens[first].start, self.tokens[last - 1].end)

    def find(self, form: str) -> list[Span]:
        """Where it says these words: whole words, in any case and number, without an
        article before it if need be. Words of signs alone are searched for as written.
        """
        wanted = keys(form)
        if not wanted:
            return self._literal(form)
        spans = self._sequence(wanted)
        if not spans and wanted[0] in self.lexicon.cues.articles and len(wanted) > 1:
            spans = self._sequence(wanted[1:])
        return spans

    def _literal(self, form: str) -> list[Span]:
        start = self.text.find(form) if form else -1
        return [Span(start, start + len(form))] if start >= 0 else []

    def _sequence(self, wanted: Sequence[str]) -> list[Span]:
        stems = [self.stem(word) for word in wanted]
        spans: list[Span] = []
        for start in self._positions.get(stems[0], ()):
            end = start + len(stems)
            if end > len(self.words) or len(spans) == MAX_SPANS:
                break
            if self.stems[start:end] == stems:
                spans.append(self.span(start, end))
        return spans

    def is_part(self, span: Span, value: Any, kind: str) -> bool:
        """Whether words for a measure are part of more that means something else: "tomorrow" in
        "the day after tomorrow", "seven" in "twenty seven".
        """
        return any(
            one.start <= span.start
            and span.end <= one.end
            and (one.start, one.end) != span
            and one.kind != "duration"
            and not means(one, value, kind)
            for one in self.said
        )

    def mentions(self, value: Any, kind: str = "string", forms: Iterable[str] = ()) -> list[Span]:
        """Where it says a value of a kind (see `values.KINDS`), or one of its forms; the longest
        first. A value that is a list is said where all of its items are: the spans of each.
        """
        spans = [span for form in forms for span in self.find(form)]
        if isinstance(value, list):
            spans += [span for one in value for span in self.mentions(one, kind)]
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            exact = self.find(str(value))
            exact += [Span(r.start, r.end) for r in self.readings if means(r, value, kind)]
            exact = exact[:MAX_SPANS]
            if kind in READ_AS:
                exact = [span for span in exact if not self.is_part(span, value, kind)]
            spans += exact
        unique = list(dict.fromkeys(spans))
        return sorted(unique, key=lambda span: (span.start - span.end, span.start))[:MAX_SPANS]


# Which readings may say a value of a kind.
READ_AS = {
    "integer": ("number", "money"),
    "number": ("number", "money"),
    "money": ("money", "number"),
    "date": ("date",),
    "time": ("time",),
    "duration": ("duration",),
}


def means(reading: Reading, value: Any, kind: str) -> bool:
    """Whether a reading may say a value of a kind."""
    if reading.kind not in READ_AS.get(kind, ()):
        return False
    if reading.kind in ("number", "money"):
        number = as_number(value)
        return number is not None and any(abs(one - number) <= 1e-9 * max(1, abs(number))
                                          for one in reading.values)  # fmt: skip
    if kind == "time":
        return str(value)[:5] in reading.values
    if kind == "duration":
        from stages.language.days import duration_seconds

        seconds = duration_seconds(str(value))
        return seconds is not None and any(duration_seconds(one) == seconds
                                           for one in reading.values)  # fmt: skip
    return str(value) in reading.values


def as_number(value: Any) -> float | None:
    """A number, also one that a schema wants as text; None of anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value) if len(str(value)) <= 40 else None
    except ValueError:
        return None


@lru_cache(1_024)
def heard(text: str, locale: str, today: datetime.date | None = None) -> Text:
    """A text that knows what it says; cached."""
    return Text(text, locale, today)


def mentions(
    value: Any,
    text: str,
    kind: str = "string",
    forms: Iterable[str] = (),
    *,
    locale: str = "en",
    today: datetime.date | None = None,
) -> list[Span]:
    """Where a text says a value; see `Text.mentions`. Linear in the text."""
    return heard(text, locale, today).mentions(value, kind, forms)


__all__ = ["Span", "Text", "as_number", "heard", "means", "mentions"]
