"""Surfaces mean their value again, and are found in any sentence."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import language
from stages.language.days import duration_seconds, iso_duration

TODAY = datetime.date(2026, 6, 3)  # a wednesday
LOCALES = ("en", "de", "fr", "pt-BR", "xx")
days = st.integers(-400, 800).map(lambda n: TODAY + datetime.timedelta(n))
todays = st.integers(0, 800).map(lambda n: TODAY + datetime.timedelta(n))
minutes = st.integers(0, 1_439)
numbers = st.one_of(
    st.integers(-50, 100),
    st.integers(-(10**9), 10**9),
    st.integers(0, 999).map(lambda n: n * 1_000),
)
cents = st.integers(1, 10**6).map(lambda n: n / 100)


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@pytest.mark.parametrize("locale", LOCALES)
@settings(deadline=None)
@given(day=days, today=todays)
def test_days_resolve(locale: str, day: datetime.date, today: datetime.date) -> None:
    for words in language.surfaces(day.isoformat(), "date", locale, today=today):
        assert language.resolve(words, "date", locale, today) == day.isoformat(), words
        found = language.mentions(
            day.isoformat(), f"xyz {words} qwe", "date", locale=locale, today=today
        )
        assert found, words


@pytest.mark.parametrize("locale", LOCALES)
@settings(deadline=None, max_examples=60)
@given(ahead=st.integers(-30, 60), today=todays)
def test_near_days_resolve(locale: str, ahead: int, today: datetime.date) -> None:
    day = (today + datetime.timedelta(ahead)).isoformat()
    for words in language.surfaces(day, "date", locale, today=today):
        assert language.resolve(words, "date", locale, today) == day, words


@settings(deadline=None)
@given(ahead=st.integers(0, 20), today=todays, locale=st.sampled_from(["en", "de"]))
def test_words_that_leave_a_day_open_may_mean_it(
    ahead: int, today: datetime.date, locale: str
) -> None:
    day = today + datetime.timedelta(ahead)
    weekday = language.of(locale).day_words(day, today)[-1]
    if "next" in weekday.split()[:1] and "week" not in weekday:
        assert day.isoformat() in language.options(weekday, "date", locale, today)


@pytest.mark.parametrize("locale", LOCALES)
def test_times_resolve(locale: str) -> None:
    for minute in range(0, 1_440):
        words = language.of(locale)
        for said in words.time(datetime.time(*divmod(minute, 60))):
            assert language.resolve(said, "time", locale) == clock(minute), said
        for said in words.time_words(datetime.time(*divmod(minute, 60))):
            assert said.isdigit() or clock(minute) in language.options(said, "time", locale), said


@pytest.mark.parametrize("locale", LOCALES)
@settings(deadline=None, max_examples=200)
@given(value=numbers, price=cents, part=st.integers(0, 4_000).map(lambda n: n / 8))
def test_numbers_resolve(locale: str, value: int, price: float, part: float) -> None:
    for words in language.surfaces(value, "integer", locale):
        assert language.resolve(words, "integer", locale) == value, words
    for words in language.surfaces(part, "number", locale):
        assert language.resolve(words, "number", locale) == part, words
    for amount in (abs(value), price):
        for currency in ("USD", "EUR", "GBP", "JPY"):
            if locale in ("en", "de") and (locale, currency) != ("de", "JPY"):
                for words in language.surfaces(amount, "money", locale, currency=currency):
                    assert language.resolve(words, "money", locale) == amount, words


@pytest.mark.parametrize("locale", ("en", "de"))
@settings(deadline=None)
@given(
    seconds=st.one_of(st.integers(1, 3_599), st.integers(1, 400).map(lambda n: n * 300)),
    day=st.integers(0, 200), minute=minutes,
)  # fmt: skip
def test_spans_and_moments_resolve(locale: str, seconds: int, day: int, minute: int) -> None:
    span = iso_duration(seconds)
    assert duration_seconds(span) == seconds
    for words in language.surfaces(span, "duration", locale):
        assert language.resolve(words, "duration", locale) == span, words
        assert language.mentions(span, f"xyz {words} qwe", "duration", locale=locale)
    moment = f"{(TODAY + datetime.timedelta(day)).isoformat()}T{clock(minute)}"
    for words in language.surfaces(moment, "date-time", locale, today=TODAY):
        assert language.resolve(words, "date-time", locale, TODAY) == moment, words


def test_other_kinds() -> None:
    assert language.surfaces(True, "boolean")[0] == "yes"
    assert language.resolve("nein", "boolean", "de") is False
    assert language.surfaces(["ham", "eggs", "rice"], "list") == ["ham, eggs and rice"]
    assert language.resolve("ham, eggs and rice", "list") == ["ham", "eggs", "rice"]
    assert language.surfaces({"city": "Rome", "beds": 2}, "object") == ["city Rome, beds 2"]
    assert language.surfaces("no date", "date", today=TODAY) == ["no date"]
    assert language.resolve("friday or so", "date", today=TODAY) is None


@pytest.mark.parametrize(
    ("words", "kind", "options"),
    [
        ("next friday", "date", ("2026-06-05", "2026-06-12")),
        ("next monday", "date", ("2026-06-08",)),
        ("friday next week", "date", ("2026-06-12",)),
        ("Friday, June 12th", "date", ("2026-06-12",)),
        ("3 may 2027", "date", ("2027-05-03",)),
        ("5/3", "date", ("2026-05-03", "2027-03-05")),
        ("by the 9th of July", "date", ("2026-07-09",)),
        ("half past seven", "time", ("07:30", "19:30")),
        ("at 7", "time", ("07:00", "19:00")),
        ("7 P.M.", "time", ("19:00",)),
        ("a hundred and five", "integer", (105,)),
        ("twenty-five", "integer", (25,)),
        ("two thousand five hundred", "integer", (2_500,)),
        ("1.5 million", "integer", (1_500_000,)),
        ("minus three", "integer", (-3,)),
    ],
)
def test_what_words_may_mean(words: str, kind: str, options: tuple[Any, ...]) -> None:
    assert tuple(sorted(language.options(words, kind, "en", TODAY))) == options
    only = options[0] if len(options) == 1 else None
    assert language.resolve(words, kind, "en", TODAY) == only
