"""Several calls at once: what is planned, said and checked."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from stages.checks import call as checks
from stages.core import catalogue as catalogues
from stages.core import pack as packs
from stages.core.pack import Pack
from stages.core.plan import Plan
from stages.generation.patterns import Patterns
from stages.planning.plans import Planned, Settings, plans
from tests.builders import TRAVEL

ONLY = {"parallel": 1.0, "parallel_multiple": 1.0}


@pytest.fixture(scope="module")
def travel() -> Pack:
    pack = packs.load(TRAVEL)
    population = pack.population.model_copy(update={"scenarios": ONLY, "dimensions": {}})
    return replace(pack, population=population)


@pytest.fixture(scope="module")
def planned(travel: Pack) -> Planned:
    return plans(travel, Settings(300, reserve=1.0, heuristic_surplus=0.0), 7)


def context_of(plan: Plan, planned: Planned, pack: Pack) -> checks.Context:
    day = next(one.today for one in planned.tool_sets if one.tool_set == plan.tool_set)
    return checks.Context(pack, plan.locale, datetime.date.fromisoformat(day) if day else None)


def test_calls_are_valid_different_and_of_the_right_functions(
    travel: Pack, planned: Planned
) -> None:
    sets = {one.tool_set: one.functions for one in planned.tool_sets}
    counts = set()
    for plan in planned.plans:
        calls = [one.call for one in plan.calls]
        assert plan.turn.act == "call"
        assert not any(catalogues.problems(call, travel.catalogue) for call in calls)
        assert {call.name for call in calls} <= set(sets[plan.tool_set])
        assert len({str(call) for call in calls}) == len(calls)
        names = [call.name for call in calls]
        if plan.scenario == "parallel":
            assert set(names) == {plan.stratum["function"]}
            counts.add(len(calls))
        else:
            assert len(set(names)) == len(names) > 1
            assert plan.stratum["function"] in names
    assert counts == {2, 3, 4}
    # A function without arguments cannot be called twice in two ways.
    assert not any(
        plan.scenario == "parallel" and plan.stratum["function"] == "show_trips"
        for plan in planned.plans
    )


def test_nearly_all_are_said_as_planned_in_every_way(travel: Pack, planned: Planned) -> None:
    writer, refused, ways = Patterns(travel), 0, set()
    for plan in planned.plans:
        written = writer.write(plan)
        assert len(written.surfaces) == len(plan.calls)
        context = replace(context_of(plan, planned, travel), surfaces=written.surfaces)
        refused += checks.verdict(written.query, plan, context) is not None
        ways.add(written.template_id.partition("+")[2])
    assert refused <= 0.03 * len(planned.plans)
    assert {"listed", "again", "order_taxi/2"} <= ways


def test_a_query_with_a_call_less_or_in_another_order_is_refused(
    travel: Pack, planned: Planned
) -> None:
    parallel = next(
        plan
        for plan in planned.plans
        if plan.scenario == "parallel"
        and plan.locale == "en"
        and plan.stratum["function"] == "order_taxi"
        and len(plan.calls) == 2
        and all({a.slot for a in call.said} == {"from.street"} for call in plan.calls)
    )
    context = context_of(parallel, planned, travel)
    one, two = (call.said[0].surface for call in parallel.calls)

    def code(query: str) -> str | None:
        refusal = checks.verdict(query, parallel, context)
        return refusal.check if refusal else None

    assert code(f"a taxi from {one} and another from {two}") is None
    assert code(f"a taxi from {two} and another from {one}") == "ordered"
    assert code(f"a taxi from {one}") == "said"


def test_a_value_that_two_calls_share_may_be_said_once(travel: Pack, planned: Planned) -> None:
    for plan in planned.plans:
        if plan.scenario != "parallel" or plan.stratum["function"] != "book_hotel":
            continue
        first, *others = ({a.slot: a.value for a in call.said} for call in plan.calls)
        if any(first.get("nights") == other.get("nights") for other in others):
            written = Patterns(travel).write(plan)
            context = replace(context_of(plan, planned, travel), surfaces=written.surfaces)
            assert checks.verdict(written.query, plan, context) is None
            return
    pytest.fail("no plan with calls that share a value")


def test_the_same_seed_gives_the_same_plans(travel: Pack, planned: Planned) -> None:
    again = plans(travel, Settings(300, reserve=1.0, heuristic_surplus=0.0), 7)
    assert again.plans == planned.plans
