"""What a locale offers: a module of its own folder, or `plain.Plain` with Babel's data.

`of` in the package's `__init__` finds it. Surfaces are in the order of their likelihood; those of
`date` and `time` mean just one day and one time, those of `day_words` and `time_words` may leave
open which.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Weekday(NamedTuple):
    """What words such as "next friday" mean. mode: `coming`, `next`, `next week` or `last`."""

    mode: str
    weekday: int  # monday is 0


class Cues(NamedTuple):
    """The words by which values are found in a text. All are folded, phrases with single blanks.

    language: the code for num2words. decimal: the sign before decimals. minus: words for it. ones:
    words that count one and may be articles or pronouns too. scales: what multiplies a number.
    joint: the word between a scale and the rest. half: what adds a half. numbers: phrases of a
    number. currencies: word or sign -> ISO code. near: phrases of a day -> days from today.
    loose: phrases of some days, not one.
    day_before, time_before: words that lead a day or a time. fillers: words between a day and its
    year or between a date and a time. month_first: whether 5/3 is the third of May, None where it
    may be both. units: words for spans of time -> seconds. spans: phrases for one -> seconds.
    articles, small: words that may be left out before a name; words that mean nothing alone.
    """

    language: str
    decimal: str = "."
    minus: frozenset[str] = frozenset()
    ones: frozenset[str] = frozenset()
    scales: Mapping[str, int] = {}
    joint: str = ""
    half: Sequence[str] = ()
    numbers: Mapping[str, float] = {}
    currencies: Mapping[str, str] = {}
    near: Mapping[str, int] = {}
    loose: Sequence[str] = ()
    weekdays: Mapping[str, Weekday] = {}
    day_before: frozenset[str] = frozenset()
    time_before: frozenset[str] = frozenset()
    fillers: frozenset[str] = frozenset()
    month_first: bool | None = None
    units: Mapping[str, int] = {}
    spans: Mapping[str, int] = {}
    yes: Sequence[str] = ()
    no: Sequence[str] = ()
    articles: frozenset[str] = frozenset()
    small: frozenset[str] = frozenset()


class Several(NamedTuple):
    """How several requests are said at once. links: between two that are one sentence; starts: what
    begins the next sentence, "" for nothing; again: before what differs from the request before it;
    with_names: whether the names of arguments are words of this language; each: after two lists of
    which the first belong together, "" where no word does that; single: words that stand for one
    thing, which a list is not.
    """

    links: Sequence[str] = (", ",)
    starts: Sequence[str] = ("",)
    again: Sequence[str] = ()
    with_names: bool = False
    each: str = ""
    single: frozenset[str] = frozenset()


class Replies(NamedTuple):
    """How a question for a value is answered, as patterns with {value}. any: for all values; named:
    with {name}, the argument's name, where that is a word of this language; counts: the same for a
    number of what the name says; days, times: for a day, whose words have their preposition at the
    beginning of a pattern alone, and for a time of day.
    """

    any: Sequence[str] = ("{value}",)
    named: Sequence[str] = ()
    counts: Sequence[str] = ()
    days: Sequence[str] = ()
    times: Sequence[str] = ()


class References(NamedTuple):
    """How a thing is named that the conversation has had. earlier: one of an earlier request, with
    {name}, what kind of thing it is; single: what the words just before find; picked: one of
    several that they find, with {pick}, a word for which. () where the locale has no such words.
    told: the assistant's sentence with the {facts} of a result; nothing: for a list without any
    {name}.
    """

    earlier: Sequence[str] = ()
    single: Sequence[str] = ()
    picked: Sequence[str] = ()
    told: str = "{facts}."
    nothing: str = "{name}: 0"


class Locale(Protocol):
    """The names that a locale has."""

    # How people dress a request; see `frames.py`.
    VERBS: frozenset[str]
    QUESTIONS: frozenset[str]
    PREPOSITIONS: Sequence[str]
    OPENERS: Sequence[str]
    REQUESTS: Sequence[str]
    CLOSERS: Sequence[str]
    THANKS: Sequence[str]
    TELLING: frozenset[str]
    RANGES: Sequence[str]
    SEVERAL: Several
    REPLIES: Replies
    REFERENCES: References
    CUES: Cues

    def integer(self, value: int) -> list[str]:
        """3 as "3", "three"."""

    def number(self, value: float) -> list[str]:
        """2.5 as "2.5", "two and a half"."""

    def money(self, value: float, currency: str) -> list[str]:
        """20 as "$20", "20 dollars", "twenty bucks"."""

    def date(self, day: datetime.date, today: datetime.date) -> list[str]:
        """Words that mean just this day, said on `today`; they stand alone ("on friday")."""

    def day_words(self, day: datetime.date, today: datetime.date) -> list[str]:
        """Words for a day, also such that leave open which it is ("this weekend")."""

    def month_day(self, month: int, day: int) -> list[str]:
        """A day of a year without a preposition: "may 3rd", "3 may"."""

    def nth(self, day: int) -> list[str]:
        """The number of a day alone, as it stands in a sentence: "on the 3rd"."""

    def time(self, clock: datetime.time) -> list[str]:
        """Words that mean just this time of day, without a preposition: "7 pm", "noon"."""

    def time_words(self, clock: datetime.time) -> list[str]:
        """Words for a time of day, also such that leave open whether before noon."""

    def moment(self, day: str, clock: str) -> list[str]:
        """The words of a day and those of a time together."""

    def duration(self, seconds: int) -> list[str]:
        """90 minutes as "90 minutes", "an hour and a half"."""

    def joined(self, surfaces: Sequence[str]) -> str:
        """Several surfaces in one: "a, b and c"."""

    def split(self, surface: str) -> list[str]:
        """What `joined` put together."""

    def bare(self, surface: str) -> str:
        """A day's words without their preposition."""

    def joint(self, surface: str) -> str:
        """A day's words as they stand after a preposition: "from three weeks from now"."""

    def fitted(self, text: str, surface: str) -> str:
        """A text with what fits a surface in it: before it the article that its sound asks for ("an
        8"), after it the number of a noun ("1 hour").
        """

    def stem(self, word: str) -> str:
        """A word as it is compared where its number and case do not count."""

    def keeps_capital(self, word: str) -> bool:
        """Whether a capitalized word of a phrase, no value, has its capital anywhere."""

    def question(self, words: str, schema: Mapping[str, Any]) -> str:
        """A sentence that asks for a missing argument; `words`, its name in words, is in it.

        All begin alike: of several beginnings none is as likely as the one beginning of all calls,
        and a model that takes the likeliest token calls where it should ask.
        """

    def failure(self, failing: str, words: str) -> str:
        """A sentence that says that a call failed and why. failing: not_found, unavailable,
        invalid_value or permission; words: the name of the argument that the error is about, in
        words, "" for none. All begin alike.
        """

    def done(self) -> str:
        """The sentence that confirms a call which succeeded."""

    def refusal(self) -> str:
        """The sentence that declines; only one, for the same reason."""
