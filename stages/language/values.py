"""How a value of any kind is said, and what words of a kind mean: two functions, inverses."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from stages.language.days import duration_seconds
from stages.language.locales import lexicon, of
from stages.language.mentions import as_number, heard
from stages.language.reading import Reading
from stages.language.tokens import keys

KINDS = ("integer", "number", "money", "date", "time", "date-time", "duration", "boolean", "list",
         "object", "string")  # fmt: skip


def surfaces(
    value: Any,
    kind: str,
    locale: str = "en",
    *,
    today: datetime.date | None = None,
    currency: str = "USD",
) -> list[str]:
    """How people say a value, the likeliest first, each meaning just this value.

    kind: of KINDS. date: an ISO date, said on `today` (needed then); time: HH:MM; date-time: an ISO
    date and time; duration: ISO 8601; money: a number of `currency`; list: of anything; object: a
    mapping, said as its keys and values. A value that is not of the kind is said as it is.
    """
    words = of(locale)
    try:
        if kind == "integer":
            return words.integer(int(value))
        if kind in ("number", "money") and (number := as_number(value)) is not None:
            plain = int(number) if number.is_integer() else number
            return words.money(plain, currency) if kind == "money" else words.number(plain)
        if kind == "date" and today is not None:
            return words.date(datetime.date.fromisoformat(value), today)
        if kind == "time":
            return words.time(datetime.time.fromisoformat(value[:5]))
        if kind == "date-time" and today is not None:
            return _moments(value, locale, today)
        if kind == "duration" and (seconds := duration_seconds(value)) is not None:
            return words.duration(seconds)
    except (ValueError, TypeError):
        return [str(value)]
    if kind == "boolean" and isinstance(value, bool):
        return list(words.CUES.yes if value else words.CUES.no) or [json.dumps(value)]
    if isinstance(value, list):
        return [words.joined([surfaces(one, kind_of(one), locale)[0] for one in value])]
    if isinstance(value, Mapping):
        parts = [f"{key} {surfaces(item, kind_of(item), locale)[0]}" for key, item in value.items()]
        return [", ".join(parts)]
    return [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)]


def kind_of(value: Any) -> str:
    """The kind that a JSON value has by itself."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "list" if isinstance(value, list) else "object" if isinstance(value, dict) else "string"


def _moments(value: str, locale: str, today: datetime.date) -> list[str]:
    words, moment = of(locale), datetime.datetime.fromisoformat(value)
    dates, clocks = words.date(moment.date(), today), words.time(moment.time())
    pairs = [(dates[0], clocks[-1]), *((day, clock) for day in dates[:4] for clock in clocks[:4])]
    return list(dict.fromkeys(text for pair in pairs for text in words.moment(*pair)))


def options(
    words: str, kind: str, locale: str = "en", today: datetime.date | None = None
) -> Sequence[Any]:
    """All values of a kind that words may mean: 7:30 and 19:30 for "half past seven"."""
    if kind in ("integer", "number", "money", "date", "time", "duration"):
        values = [value for one in _whole(words, kind, locale, today) for value in one.values]
        return tuple(dict.fromkeys(v for v in values if kind != "integer" or isinstance(v, int)))
    value = resolve(words, kind, locale, today)
    return () if value is None else (value,)


def resolve(words: str, kind: str, locale: str = "en", today: datetime.date | None = None) -> Any:
    """The one value of a kind that words mean, alone or with what may lead them ("on", "at"); None
    where they mean nothing of the kind, or may mean several. The inverse of `surfaces`, but for
    objects and for lists of anything but texts.
    """
    if kind in ("integer", "number", "money", "date", "time", "duration"):
        readings = _whole(words, kind, locale, today)
        clear = {one.values[0] for one in readings if one.is_clear and one.values}
        value = next(iter(clear)) if len(clear) == 1 else None
        return None if kind == "integer" and not isinstance(value, int) else value
    if kind == "date-time":
        return _moment(words, locale, today)
    if kind == "boolean":
        given, phrases = keys(words), lexicon(locale)
        return True if given in phrases.yes else False if given in phrases.no else None
    if kind == "list":
        return of(locale).split(words)
    return words if kind == "string" else None


def _whole(
    words: str, kind: str, locale: str, today: datetime.date | None
) -> list[Reading]:  # fmt: skip
    """The readings of a kind that take in all of some words, except the words that lead them."""
    text = heard(words, locale, today)
    cues = text.lexicon.cues
    lead = {"date": cues.day_before, "time": cues.time_before}.get(kind, frozenset())
    kinds = ("number",) if kind in ("integer", "number") else (kind,)
    return [
        one
        for one in text.readings
        if one.kind in kinds
        and one.last == len(text.words)
        and all(word in lead for word in text.words[: one.first])
    ]


def _moment(words: str, locale: str, today: datetime.date | None) -> str | None:
    """A day and a time beside each other, in either order."""
    text = heard(words, locale, today)
    cues = text.lexicon.cues
    between = cues.fillers | cues.day_before | cues.time_before
    moments = set()
    clear = [one for one in text.readings if one.is_clear and one.values]
    for day in (one for one in clear if one.kind == "date"):
        for clock in (one for one in clear if one.kind == "time"):
            used = {*range(day.first, day.last), *range(clock.first, clock.last)}
            disjoint = day.last <= clock.first or clock.last <= day.first
            rest = [word for position, word in enumerate(text.words) if position not in used]
            if disjoint and all(word in between for word in rest):
                moments.add(f"{day.values[0]}T{clock.values[0]}")
    return moments.pop() if len(moments) == 1 else None
