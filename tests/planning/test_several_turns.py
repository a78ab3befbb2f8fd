"""Scenarios of several turns: what is planned."""

from __future__ import annotations

from dataclasses import replace

from stages.core import catalogue as catalogues
from stages.core import pack as packs
from stages.core.conversation import Call
from stages.core.pack_files import SEVERAL_TURNS
from stages.core.plan import Plan
from stages.planning.plans import plans
from stages.planning.sources import Pools
from stages.planning.strata import strata
from tests.builders import TRAVEL
from tests.several_turns import SETTINGS, planned, travel


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
