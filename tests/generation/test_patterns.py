"""Queries of a pack's phrases: what the plan says, and nothing else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import language
from stages.checks import call as checks
from stages.core import pack
from stages.core.pack import Pack
from stages.core.plan import Argument, Plan
from stages.generation.patterns import Patterns, _joined
from stages.generation.written import adjuncts
from stages.language.identifiers import named
from stages.planning.plans import Settings, plans
from tests.builders import TRAVEL, make_call, make_plan


@pytest.fixture(scope="module")
def travel() -> Pack:
    return pack.load(TRAVEL)


@pytest.fixture(scope="module")
def planned(travel: Pack) -> list[Plan]:
    return plans(travel, Settings(rows=200, reserve=1.0), seed=5).plans


def test_every_planned_query_carries_its_call(travel: Pack, planned: list[Plan]) -> None:
    patterns = Patterns(travel, typo_share=0.3)
    refused = 0
    for plan in planned:
        written = patterns.write(plan)
        assert written == patterns.write(plan)  # the same for the same seed
        context = checks.Context(travel, plan.locale, surfaces=written.surfaces)
        unbanded = replace(plan, stratum={**plan.stratum, "band": ""})
        refused += checks.verdict(written.query, unbanded, context) is not None
        if plan.text is None and "adjunct" not in written.template_id:
            slots = {a.slot for a in plan.turn.calls[0].said}
            assert {*written.surfaces[0]} == slots
            if plan.turn.missing:
                assert plan.turn.missing not in written.surfaces
    assert refused <= 0.02 * len(planned)


def test_a_date_after_a_preposition_has_none_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(TRAVEL, folder)
    path = folder / "vocabularies" / "en.yaml"
    words = path.read_text().partition("phrases:")[0]
    phrases = '["{city} from {check_in}, {nights} nights", "{check_in}: {city} {nights} nights"]'
    path.write_text(f"{words}phrases:\n  book_hotel: {phrases}\n")
    patterns, queries = Patterns(pack.load(folder)), set()
    call = make_call(city="rome", check_in="2026-06-05", nights=3)
    said = [a for a in call.arguments if a.name != "check_in"]
    day = next(a for a in call.arguments if a.name == "check_in")
    for seed in range(40):
        changed = type(day)(day.name, day.value, "user", "on friday")
        plan = make_plan(type(call)(call.function, (*said, changed)), seed=seed)
        written = patterns.write(plan)
        assert written.surfaces[0]["check_in"] in ("friday", "on friday")
        queries.add(written.query.lower())
    assert any("from friday" in query for query in queries)
    assert any("on friday: " in query for query in queries)
    assert not any("from on" in query for query in queries)


def test_without_phrases_a_query_is_made_of_names(tmp_path: Path) -> None:
    folder = tmp_path / "bare"
    shutil.copytree(TRAVEL, folder)
    text = (folder / "vocabularies" / "en.yaml").read_text().partition("phrases:")[0]
    (folder / "vocabularies" / "en.yaml").write_text(text)
    written = Patterns(pack.load(folder)).write(make_plan())
    assert "paris" in written.query and "check in" in written.query.lower()
    assert written.template_id == "general"


def test_the_length_comes_as_near_as_phrases_can(travel: Pack) -> None:
    patterns = Patterns(travel)
    call = make_call("order_taxi")
    short = [len(patterns.write(make_plan(call, seed=n), 1, 4).query.split()) for n in range(30)]
    assert sum(n <= 4 for n in short) >= 25


@given(st.text(max_size=30))
def test_a_name_becomes_words(text: str) -> None:
    assert named(text) == " ".join(named(text).split())


def test_names_of_arguments_as_words() -> None:
    assert named("partySize") == "party size" and named("party_size") == "party size"
    assert named("address.city") == "address city" and named("party\u2003size") == "party size"


def test_commas_of_parts_left_out_go_too(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(TRAVEL, folder)
    path = folder / "vocabularies" / "en.yaml"
    words = path.read_text().partition("phrases:")[0]
    phrase = "[{check_in},] book {city}, [{guests} guests], {nights} nights, [{hotel}]"
    path.write_text(f"{words}phrases:\n  book_hotel: [{phrase!r}]\n")
    call = make_call(city="rome", nights=3)
    plan = make_plan(call, seed=1)
    query = Patterns(pack.load(folder)).write(plan).query.lower()
    assert ",," not in query and ", ," not in query and not query.rstrip(" .").endswith(",")
    assert not query.startswith(",")


def test_a_booleans_words_are_not_said_after_its_name() -> None:
    express = Argument("express", True, "user", "with express", ())
    item = Argument("food", "wet", "user", "canned food", ())
    assert adjuncts([express, item]) == "with express, food canned food"


@pytest.mark.parametrize(
    ("text", "first", "second", "made"),
    [
        ("from A to B", "on friday", "on monday", "from friday to monday"),
        ("boarding A to B", "on friday", "on monday", "boarding friday to monday"),
        ("from A through B", "on june 3rd", "in two weeks",
         "from june 3rd through two weeks from now"),
        ("from A until B", "in three weeks", "on july 9",
         "from three weeks from now until july 9"),
        ("between A and B", "on friday", "on monday", "between friday and monday"),
        ("A and again B", "on friday", "on monday", "on friday and again on monday"),
        ("arriving A, out B", "in a week", "on monday", "arriving in a week, out on monday"),
    ],
)  # fmt: skip
def test_days_of_a_range_have_one_preposition(
    text: str, first: str, second: str, made: str
) -> None:
    surfaces = {"start": first, "end": second}
    said = text.replace("A", first, 1).replace("B", second, 1)
    assert _joined(said, surfaces, language.of("en")) == made
    assert all(words in made for words in surfaces.values())
