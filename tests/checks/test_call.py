"""The checks of calls: what a query must say, and what it must not."""

from __future__ import annotations

import datetime
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from stages.checks import call as checks
from stages.checks.call import Context
from stages.core import pack as packs
from stages.core.plan import Argument, Plan, PlannedCall, Turn
from stages.generation.patterns import Patterns
from stages.planning import plans
from tests.builders import TRAVEL, make_plan

TODAY = datetime.date(2026, 6, 1)  # a monday
ASSISTANT = Path("data/domains/assistant")
PACK = packs.load(TRAVEL)
CONTEXT = Context(PACK, "en", TODAY)
HOTEL = PlannedCall(
    "book_hotel",
    (
        Argument("city", "paris", "user", "paris"),
        Argument("check_in", "2026-06-05", "user", "on friday"),
        Argument("nights", 3, "user", "three"),
        Argument("breakfast", True, "user", "with breakfast"),
        Argument("amenities", ["pool", "gym"], "user", "a pool and a gym"),
    ),
)
QUERY = "book a hotel in Paris on friday for three nights with breakfast, a pool and a gym"


def hotel(*names: str, act: str = "call", missing: str | None = None, band: str = "") -> Plan:
    """A plan of HOTEL with some of its arguments."""
    call = PlannedCall("book_hotel", tuple(a for a in HOTEL.arguments if a.name in names))
    plan = make_plan(call, act=act, missing=missing)  # type: ignore[arg-type]
    return replace(plan, stratum={**plan.stratum, "band": band})


ALL = ("city", "check_in", "nights", "breakfast", "amenities")


@pytest.mark.parametrize(
    "query",
    [
        QUERY,
        "3 nights from June 5th in paris: gym, swimming pool, breakfast included",
        "a gym and a pool please, paris, the 5th of june, for 3 nights, breakfast included",
    ],
)
def test_a_plan_is_said_in_many_words(query: str) -> None:
    assert checks.verdict(query, hotel(*ALL), CONTEXT) is None


@pytest.mark.parametrize(
    ("query", "check", "slot"),
    [
        (QUERY.replace("Paris", "Rome"), "said", "city"),
        (QUERY.replace("friday", "thursday"), "said", "check_in"),
        (QUERY.replace("three", "five"), "said", "nights"),
        (QUERY.replace("three", "thirty three"), "said", "nights"),
        (QUERY.replace("with", "without"), "said", "breakfast"),
        (QUERY.replace("a pool and", ""), "said", "amenities"),
        (QUERY + " and free parking", "leaked", "amenities"),
        (QUERY + ", a suite", "leaked", "room"),
        (QUERY + " or rome", "leaked", "city"),
        (QUERY + " for 2 people", "leaked", "number"),
        (QUERY + " until june 9th", "leaked", "date"),
        (QUERY + " [name]", "placeholder", "[name]"),
        (QUERY + " book book it", "repeated", "book"),
        ("", "characters", "0"),
        ("x" * 5_000, "characters", "5000"),
    ],
)
def test_what_is_refused(query: str, check: str, slot: str) -> None:
    refusal = checks.verdict(query, hotel(*ALL), CONTEXT)
    assert refusal is not None and refusal.check == check and slot in refusal.reason


def test_arguments_do_not_share_a_place() -> None:
    call = PlannedCall(
        "order_taxi",
        (
            Argument("from", "7 mill lane", "user", "7 mill lane", ("street",)),
            Argument("passengers", 7, "user", "7"),
        ),
    )
    plan = make_plan(call)
    assert checks.verdict("a cab at 7 mill lane for 7 people", plan, CONTEXT) is None
    refusal = checks.verdict("a cab at 7 mill lane for people", plan, CONTEXT)
    assert refusal is not None and refusal.check == "said" and "passengers" in refusal.reason


def test_a_missing_argument_is_not_said() -> None:
    plan = hotel("check_in", "nights", act="ask", missing="city")
    assert checks.verdict("a hotel on friday, three nights", plan, CONTEXT) is None
    refusal = checks.verdict("a hotel in oslo on friday, three nights", plan, CONTEXT)
    assert refusal is not None and refusal.check == "leaked"
    plan = hotel("city", "nights", act="ask", missing="check_in")
    refusal = checks.verdict("a hotel in paris tomorrow for three nights", plan, CONTEXT)
    assert refusal is not None and refusal.check == "leaked"


def test_values_of_results_and_defaults_are_not_said() -> None:
    secret = (*HOTEL.arguments[:3], Argument("note", "BX-2290", "result"))
    plan = make_plan(PlannedCall("book_hotel", secret))
    query = "a hotel in paris on friday for three nights"
    assert checks.verdict(query, plan, CONTEXT) is None
    refusal = checks.verdict(f"{query}, booking BX-2290", plan, CONTEXT)
    assert refusal is not None and refusal.check == "leaked" and "BX-2290" in refusal.reason


def test_the_words_of_arguments_are_no_leak() -> None:
    call = PlannedCall(
        "book_hotel",
        (Argument("city", "new york new york", "user"), Argument("phone", "312 555 0111", "user")),
    )
    query = "the hotel in New York New York, call me at 312 555 0111"
    assert checks.verdict(query, make_plan(call), CONTEXT) is None
    plan = make_plan(PlannedCall("book_hotel", call.arguments[:1]))
    no_numbers = "the hotel in New York New York, write to me@home.com"
    assert (checks.verdict(no_numbers, plan, CONTEXT) or ("",))[0] == "contact"


def test_a_band_holds() -> None:
    for band, accepted in (("1-6", False), ("7-20", True), ("18-30", False)):
        refusal = checks.verdict(QUERY, hotel(*ALL, band=band), CONTEXT)
        assert (refusal is None) == accepted


def test_what_a_model_writes_is_looked_at_more_closely() -> None:
    plan = make_plan(turns=(Turn("refuse"),), scenario="no_call", text="i can't sleep")
    told = replace(CONTEXT, prompt="Say this anew.", sentence="tell me a joke")
    assert checks.verdict("i can't sleep, what helps", plan, CONTEXT) is None
    assert (checks.verdict("i can't do that", plan, told) or ("",))[0] == "refusal"
    same = replace(told, sentence="i can't sleep")
    assert checks.verdict("i can't fall asleep", plan, same) is None
    assert (checks.verdict("here is the query", plan, told) or ("",))[0] == "leaked_prompt"


@pytest.mark.parametrize("folder", [TRAVEL, ASSISTANT])
def test_patterns_pass_and_other_plans_are_refused(folder: Path) -> None:
    pack = packs.load(folder)
    planned = plans.plans(pack, plans.Settings(rows=200, weights={"heuristic": 1.0}), 0)
    today = {one.tool_set: one.today for one in planned.tool_sets}
    writer = Patterns(pack)
    candidates = []
    for plan in planned.plans:
        plan = replace(plan, stratum={**plan.stratum, "band": ""})
        day = today[plan.tool_set]
        context = Context(pack, plan.locale, datetime.date.fromisoformat(day) if day else None)
        candidates.append((writer.write(plan), plan, context))
    checks.verdict(candidates[0][0].query, candidates[0][1], candidates[0][2])
    refused, start = 0, time.process_time()
    for written, plan, context in candidates:
        context = replace(context, surfaces=written.surfaces)
        refused += checks.verdict(written.query, plan, context) is not None
    assert refused <= 0.01 * len(candidates)
    assert (time.process_time() - start) / len(candidates) < 5e-3  # 0.4 ms on an idle core
    tried = passed = 0
    for (written, plan, _), (_, other, context) in pairwise(candidates):
        if plan.calls and other.calls and plan.locale == other.locale:
            one, two = plan.calls[0], other.calls[0]
            if one.function == two.function and one.call != two.call:
                tried += 1
                passed += checks.verdict(written.query, other, context) is None
    assert tried > 50 and passed <= 0.02 * tried


@pytest.mark.parametrize("part", ["3 ", "on friday ", "paris ", "a gym and ", "x.", "[", "€ 3,"])
def test_a_long_query_takes_no_longer_than_its_length(part: str) -> None:
    plan = hotel(*ALL)
    checks.verdict(QUERY, plan, CONTEXT)
    start = time.process_time()
    for check in checks.CHECKS.values():
        check(part * (4_000 // len(part)), plan, CONTEXT)
    assert time.process_time() - start < 1.5  # 0.1 s on an idle core


@pytest.mark.parametrize("phone", ["(415) 555-0134", "555 0134 (home)", '"Rex" the third'])
def test_brackets_of_a_value_are_the_values_own(phone: str) -> None:
    plan = make_plan(PlannedCall("show_trips", (Argument("phone", phone, "user", phone),)))
    assert checks.verdict(f"call me at {phone} please", plan, CONTEXT) is None
    for broken in (f"call ( me at {phone}", f"call me at {phone} please)"):
        refusal = checks.verdict(broken, plan, CONTEXT)
        assert refusal is not None and refusal.check == "characters"
