"""Several calls in one query: what bears a list, and what is said alone."""

from __future__ import annotations

import random
from typing import Any

import pytest

from stages import language
from stages.core.plan import Argument, PlannedCall
from stages.generation import several
from stages.generation.written import Written

EN = language.of("en")


def call(**values: tuple[Any, str]) -> PlannedCall:
    arguments = tuple(Argument(name, value, "user", said) for name, (value, said) in values.items())
    return PlannedCall("f", arguments)


def queries(calls: list[PlannedCall], pattern: str) -> set[str]:
    """What many seeds write of these calls with one phrase."""

    def phrase(one: PlannedCall) -> Written:
        said = {argument.slot: argument.surface or "" for argument in one.said}
        return Written(pattern.format(**said), "f/1", (said,))

    return {several.write(calls, phrase, EN, random.Random(seed)).query for seed in range(60)}


CITIES = [call(city=("Rome", "Rome")), call(city=("Oslo", "Oslo"))]


def test_names_are_listed_and_go_on() -> None:
    written = queries(CITIES, "what is on in {city}?")
    assert "what is on in Rome and Oslo?" in written
    assert "what is on in Rome, and the same for Oslo?" in written


@pytest.mark.parametrize(
    "pattern",
    ["I was in {city}. How far is it?", "how large is {city}, and is it old?", "find '{city}'"],
)
def test_what_speaks_of_one_has_no_list(pattern: str) -> None:
    assert not any("Rome and Oslo" in one for one in queries(CITIES, pattern))


def test_counts_stand_before_what_they_count() -> None:
    calls = [call(edges=(9, "9"), vertices=(6, "6")), call(edges=(12, "12"), vertices=(8, "8"))]
    written = queries(calls, "faces of a body with {edges} edges and {vertices} vertices")
    assert any(one.endswith(" 12 edges and 8 vertices") and "same" in one for one in written)
    assert not any("edges 12" in one for one in written)


def test_units_and_small_words_do_not_go_on_alone() -> None:
    masses = [call(mass_kg=(9, "9")), call(mass_kg=(12, "12"))]
    modes = [call(mode=("duo", "in a team of two")), call(mode=("squad", "as a squad"))]
    for calls, pattern in ((masses, "push {mass_kg} kilos"), (modes, "play {mode}")):
        assert not any("same" in one or "again" in one for one in queries(calls, pattern))


def test_a_day_goes_on_without_its_preposition() -> None:
    days = [call(day=("2026-05-03", "on may 3rd")), call(day=("2026-05-07", "on may 7th"))]
    written = queries(days, "open {day}")
    assert "open on may 3rd, and the same for may 7th" in written


def test_respectively_stands_by_the_last_list() -> None:
    calls = [
        call(a=("Rome", "Rome"), b=("Bonn", "Bonn")),
        call(a=("Oslo", "Oslo"), b=("Ulm", "Ulm")),
    ]
    near = queries(calls, "trains from {a} to {b} please")
    assert "trains from Rome and Oslo to Bonn and Ulm please respectively" in near
    far = queries(calls, "from {a} to {b} tell me which trains there are")
    assert not any("respectively" in one for one in far)


def test_numbers_go_on_as_the_first_is_said() -> None:
    calls = [call(guests=(30, "30")), call(guests=(6, "six"))]
    assert "tables for 30, and the same for 6 guests" in queries(calls, "tables for {guests}")
