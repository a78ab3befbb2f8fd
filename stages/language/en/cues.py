"""The words by which English values are found in a text."""

from __future__ import annotations

from stages.language.en.values import CURRENCIES, DAYS, WORDS_TO, spelled
from stages.language.locale import Cues, Weekday

_SHORT = ("mon", "tue", "tues", "wed", "weds", "thu", "thur", "thurs", "fri")


def _weekdays() -> dict[str, Weekday]:
    phrases: dict[str, Weekday] = {}
    names = [(name, n) for n, name in enumerate(DAYS)]
    # "sat" and "sun" are words of their own.
    names += [
        (short, next(n for n, d in enumerate(DAYS) if d[:3] == short[:3])) for short in _SHORT
    ]
    for name, n in names:
        coming, following = Weekday("coming", n), Weekday("next week", n)
        phrases |= {name: coming, f"this {name}": coming, f"this coming {name}": coming,
                  f"coming {name}": coming, f"next {name}": Weekday("next", n),
                  f"last {name}": Weekday("last", n), f"{name} next week": following,
                  f"next week {name}": following, f"next week on {name}": following}  # fmt: skip
    return phrases


def _near() -> dict[str, int]:
    phrases = {
        "today": 0, "tonight": 0, "this evening": 0, "this morning": 0, "this afternoon": 0,
        "tomorrow": 1, "tmrw": 1, "tomorow": 1, "day after tomorrow": 2,
        "the day after tomorrow": 2, "overmorrow": 2, "yesterday": -1, "last night": -1,
        "day before yesterday": -2, "the day before yesterday": -2,
    }  # fmt: skip
    for unit, span in (("day", 1), ("week", 7)):
        for n in range(1, 31):
            for count in {str(n), spelled(n), *(["a", "one"] if n == 1 else [])}:
                units = unit if n == 1 else f"{unit}s"
                phrases |= {f"in {count} {units}": n * span, f"{count} {units} ago": -n * span,
                          f"{count} {units} from today": n * span,
                          f"{count} {units} from now": n * span}  # fmt: skip
    phrases |= {"a fortnight from today": 14, "in a fortnight": 14}
    return phrases


def _spans() -> dict[str, int]:
    phrases = {"half an hour": 1_800, "half hour": 1_800, "a half hour": 1_800, "an hour": 3_600,
             "quarter of an hour": 900, "a quarter of an hour": 900, "a minute": 60,
             "a day": 86_400, "three quarters of an hour": 2_700, "an hour and a half": 5_400,
             "a week": 604_800, "a fortnight": 1_209_600}  # fmt: skip
    for n in range(1, WORDS_TO + 1):
        for count in (str(n), spelled(n)):
            phrases[f"{count} and a half hours"] = n * 3_600 + 1_800
    return phrases


_UNITS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3_600, "hr": 3_600,
          "day": 86_400, "week": 604_800}  # fmt: skip

_BEFORE = {"by", "until", "till", "before", "after", "from"}

CUES = Cues(
    language="en",
    decimal=".",
    minus=frozenset({"minus", "negative"}),
    ones=frozenset({"one", "a", "an"}),
    scales={"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 10**9, "k": 1_000},
    half=("and a half",),
    joint="and",
    numbers={"a dozen": 12, "dozen": 12, "half a dozen": 6, "a couple": 2, "a couple of": 2,
             "a pair of": 2},
    currencies={
        word: code
        for code, words in CURRENCIES.items()
        for word in (*words, code.lower())
        if word
    } | {"buck": "USD"},
    near=_near(),
    loose=("this week", "next week", "this weekend", "the weekend", "next weekend", "this month",
           "next month", "later this week", "these days"),
    weekdays=_weekdays(),
    day_before=frozenset(_BEFORE | {"on", "for", "since", "starting"}),
    time_before=frozenset(_BEFORE | {"at", "around", "about"}),
    fillers=frozenset({"at", "on", "of", "the", "in", "around", "about", "by"}),
    units=_UNITS | {f"{unit}s": span for unit, span in _UNITS.items()},
    spans=_spans(),
    yes=("yes", "yeah", "yep", "sure", "true", "on"),
    no=("no", "nope", "nah", "false", "off"),
    articles=frozenset({"a", "an", "the", "some", "my"}),
    small=frozenset(
        """a an the of for with on in at by to from and or my me i you your it its is are that this
        these those some any can please do we us our be not no yes all so as up out off if then
        here there he she they his her their what which who how when where will would""".split()  # noqa: SIM905
    ),
)  # fmt: skip
