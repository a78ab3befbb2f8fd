"""Scenarios of several turns: what is planned."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stages.core import catalogue as catalogues
from stages.core import pack as packs
from stages.core.conversation import Call
from stages.core.plan import FAILING, Plan
from stages.planning.errors import ABOUT, CODES, NUMBERS, PLAIN, failure
from stages.planning.plans import plans
from stages.planning.sources import Pools
from stages.planning.strata import strata
from tests.builders import TRAVEL, make_call
from tests.several_turns import SETTINGS, SEVERAL_TURNS, planned, travel


def own(scenario: str) -> list[Plan]:
    return [plan for plan in planned(scenario).plans if plan.scenario == scenario]


def test_they_have_no_share_unless_it_is_given() -> None:
    pack = packs.load(TRAVEL)
    assert not set(SEVERAL_TURNS) & {one["scenario"] for one in strata(pack, Pools(pack))[0]}


def test_only_phrases_write_them() -> None:
    weights = {"heuristic": 0.5, "text": 0.5}
    made = plans(travel("clarified"), replace(SETTINGS, weights=weights), 7)
    assert {p.route for p in made.plans if p.scenario == "clarified"} == {"heuristic"}
    assert {p.route for p in made.plans if p.scenario == "single"} == {"heuristic", "text"}
    without = plans(travel("clarified"), replace(SETTINGS, weights={"text": 1.0}), 7)
    assert any("nothing writes clarified" in one for one in without.warnings)


def test_the_same_seed_gives_the_same_plans() -> None:
    for scenario in SEVERAL_TURNS:
        assert plans(travel(scenario), SETTINGS, 7).plans == planned(scenario).plans


def test_a_clarified_call_is_the_one_that_was_wanted() -> None:
    catalogue, missing = travel("clarified").catalogue, set()
    for plan in own("clarified"):
        ask, call = plan.turns
        assert (ask.act, call.act) == ("ask", "call")
        (before,), (whole,) = ask.calls, call.calls
        assert not catalogues.problems(whole.call, catalogue)
        lacking = catalogues.problems(before.call, catalogue)
        assert [(one.code, one.argument) for one in lacking] == [("missing_argument", ask.missing)]
        arguments = {k: v for k, v in whole.call.arguments.items() if k != ask.missing}
        assert before.call == Call(whole.function, arguments)
        missing.add((whole.function, ask.missing))
    assert missing == {
        ("book_hotel", "city"), ("book_hotel", "check_in"), ("book_hotel", "nights"),
        ("order_taxi", "from"),
    }  # fmt: skip


def test_a_failed_call_is_valid_and_its_error_names_what_was_said() -> None:
    catalogue, kinds, named = travel("failed").catalogue, set(), set()
    for plan in own("failed"):
        call, answer = plan.turns
        assert (call.act, answer.act) == ("call", "answer")
        (made,), (result,) = call.calls, call.results
        assert not catalogues.problems(made.call, catalogue)
        kinds.add(answer.failing)
        if answer.missing:
            assert answer.missing in json.dumps(result)
            assert answer.missing in {one.name for one in made.said}
            named.add((answer.failing, answer.missing))
    assert kinds == set(FAILING)
    assert ("not_found", "city") in named and ("unavailable", "check_in") in named
    assert {name for kind, name in named if kind == "invalid_value"} >= {"nights", "check_in"}
    assert not any(kind == "permission" for kind, _ in named)


@given(st.integers(0, 10_000), st.sampled_from(["book_hotel", "order_taxi", "show_trips"]))
def test_an_error_tells_its_kind_and_its_argument(seed: int, function: str) -> None:
    pack = travel("failed")
    arguments: dict[str, Any] = {
        "book_hotel": {"city": "rome", "check_in": "2026-06-02", "nights": 3},
        "order_taxi": {"from_": {"street": "7 mill lane"}, "passengers": 2},
        "show_trips": {},
    }[function]
    one = failure(make_call(function, **arguments), pack, random.Random(seed))
    text = json.dumps(one.result)
    others = set(arguments) - {one.argument}
    assert one.argument is None or one.argument in text
    assert not any(f'"{name}"' in text or f"{name} '" in text for name in others)
    told = (*CODES[one.failing], str(NUMBERS[one.failing]))
    sentences = (
        *PLAIN[one.failing],
        *(s.split("{")[0] or s.split("}")[-1] for s in ABOUT[one.failing]),
    )
    assert any(word in text for word in told) or any(s.strip(" '.:") in text for s in sentences)


def test_requests_follow_one_another_in_one_tool_set() -> None:
    catalogue, shapes = travel("multi_turn").catalogue, set()
    sets = {one.tool_set: one.functions for one in planned("multi_turn").tool_sets}
    for plan in own("multi_turn"):
        acts = [turn.act for turn in plan.turns]
        shapes.add(tuple(acts))
        calls = [call for turn in plan.turns if turn.act == "call" for call in turn.calls]
        assert not any(catalogues.problems(call.call, catalogue) for call in calls)
        names = [call.function for call in calls]
        assert len(set(names)) == len(names) and set(names) <= set(sets[plan.tool_set])
        assert plan.stratum["function"] in names
        assert acts[-1] != "answer" and not plan.turns[-1].results
        for turn, following in zip(plan.turns, plan.turns[1:], strict=False):
            # What gives something back is confirmed, and what was asked for is called.
            assert (turn.act == "call") == (following.act == "answer") == bool(turn.results)
            assert turn.act != "ask" or following.calls[0].function == turn.calls[0].function
            assert (turn.text is not None) == (turn.act == "refuse")
    assert {("call", "answer", "call"), ("ask", "call", "answer", "call")} <= shapes
    assert any("refuse" in shape for shape in shapes)
    assert any(shape.count("call") + shape.count("refuse") == 3 for shape in shapes)
