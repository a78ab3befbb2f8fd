"""Plans: valid calls, shares, streams, independence of strata."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from stages.core import catalogue as catalogues
from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.plan import Plan, from_json, to_json
from stages.planning.plans import Planned, Settings, plans
from tests.builders import TRAVEL
from tests.planning.catalogues import catalogues as random_catalogues
from tests.planning.catalogues import write_pack

BOTH = {"heuristic": 0.7, "text": 0.3}


@pytest.fixture(scope="module")
def travel() -> packs.Pack:
    return packs.load(TRAVEL)


@pytest.fixture(scope="module")
def planned(travel: packs.Pack) -> Planned:
    return plans(travel, Settings(400, BOTH), 42)


def is_exact(plan: Plan, pack: packs.Pack) -> bool:
    """Whether its call is valid but for the argument that the plan says is missing."""
    allowed = [("missing_argument", plan.turn.missing)] if plan.turn.missing else []
    return all(
        [(p.code, p.argument) for p in catalogues.problems(call.call, pack.catalogue)] == allowed
        for call in plan.calls
    )


@given(random_catalogues())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_planned_call_is_valid(tools: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pack = packs.load(write_pack(Path(folder), tools))
        made = plans(pack, Settings(30, BOTH, reserve=1), 1)
    assert made.plans and all(is_exact(plan, pack) for plan in made.plans)
    assert sum(stratum.quota for stratum in made.strata) == 30
    sets = {one.tool_set: one.functions for one in made.tool_sets}
    for plan in made.plans:
        function = plan.stratum["function"]
        if function:
            assert (function in sets[plan.tool_set]) == (plan.scenario != "missing_function")


def test_plans_survive_json(planned: Planned) -> None:
    assert all(from_json(to_json(plan)) == plan for plan in planned.plans)
    assert len({plan.plan_id for plan in planned.plans}) == len(planned.plans)


def test_travel_is_planned_as_its_population_says(planned: Planned, travel: packs.Pack) -> None:
    assert not planned.warnings
    assert all(is_exact(plan, travel) for plan in planned.plans)
    rows: Counter[tuple[str, str]] = Counter()
    for stratum in planned.strata:
        assert sum(stratum.routes.values()) == stratum.quota
        for name in ("scenario", "locale", "room"):
            rows[name, stratum[name]] += stratum.quota
    assert sum(s.quota for s in planned.strata) == 400
    assert rows["scenario", "single"] == pytest.approx(320, abs=8)
    assert rows["locale", "de"] == pytest.approx(120, abs=8)
    assert rows["room", "double"] == pytest.approx(3 * rows["room", "suite"], abs=12)


def test_what_the_stratum_says_is_in_the_call(planned: Planned) -> None:
    for plan in planned.plans:
        room = {a.value for call in plan.calls for a in call.arguments if a.name == "room"}
        assert room == ({plan.stratum["room"]} if plan.stratum["room"] else set())


def test_a_plan_does_not_depend_on_the_size_of_others(travel: packs.Pack, planned: Planned) -> None:
    known = {plan.plan_id: plan for plan in planned.plans}
    more = plans(travel, Settings(900, {"heuristic": 0.2, "text": 0.8}), 42)
    both = [plan for plan in more.plans if plan.plan_id in known]
    assert len(both) > 500
    assert all(
        replace(plan, quota=known[plan.plan_id].quota) == known[plan.plan_id] for plan in both
    )
    other = plans(travel, Settings(400, BOTH), 43)
    assert [p.turns for p in other.plans] != [p.turns for p in planned.plans]
    assert plans(travel, Settings(400, BOTH), 42) == planned


def test_all_values_are_used_before_one_is_used_twice(planned: Planned) -> None:
    said: dict[Any, list[str]] = defaultdict(list)
    for plan in planned.plans:
        for argument in (a for call in plan.calls for a in call.arguments if a.name == "city"):
            said[plan.route, *plan.stratum.values()].append(argument.value)
    assert max(map(len, said.values())) > 20
    for values in said.values():
        counted = Counter(values)
        assert max(counted.values()) - min(counted.values()) <= 1 or len(values) < 10


def test_optional_arguments_have_their_share(planned: Planned) -> None:
    calls = [
        {a.name for a in plan.calls[0].arguments}
        for plan in planned.plans
        if plan.scenario == "single" and plan.stratum["function"] == "order_taxi"
    ]
    share = sum("passengers" in names for names in calls) / len(calls)
    assert share == pytest.approx(0.5, abs=0.08)


AGREEING = """
name: food
arguments:
  order.cuisine: {vocabulary: cuisine}
  order.dish: {vocabulary: dish, agrees_with: cuisine, share: 0.6}
  order.track: {vocabulary: cuisine, share: 0.7}
  order.album: {vocabulary: cuisine, share: 0.7}
exclusive: [[order.track, order.album]]
"""
FOOD = """
cuisine: {noodles: [noodles], pizza: [pizza, pizzas], vegan: [vegan food]}
dish:
  - {value: ramen, cuisine: noodles}
  - {value: pho, cuisine: [noodles, vegan]}
  - {value: margherita, forms: [margherita, a margherita], cuisine: pizza}
"""
TEXT = {"type": "string"}


def food(folder: Path, words: str = FOOD) -> packs.Pack:
    names = ("dish", "cuisine", "track", "album")
    parameters = {"type": "object", "properties": dict.fromkeys(names, TEXT)}
    parameters["required"] = ["cuisine"]
    write_pack(folder, [{"name": "order", "parameters": parameters}], AGREEING)
    (folder / "vocabularies").mkdir()
    (folder / "vocabularies" / "en.yaml").write_text(words, "utf-8")
    return packs.load(folder)


def test_values_agree_and_exclude_each_other(tmp_path: Path) -> None:
    made = plans(food(tmp_path), Settings(300), 0)
    goes = {"ramen": {"noodles"}, "pho": {"noodles", "vegan"}, "margherita": {"pizza"}}
    dishes = 0
    for plan in made.plans:
        values = {a.name: a.value for call in plan.calls for a in call.arguments}
        assert len({"track", "album"} & set(values)) < 2
        of_one_vocabulary = [
            values[name] for name in ("cuisine", "track", "album") if name in values
        ]
        assert len(set(of_one_vocabulary)) == len(of_one_vocabulary)
        if "dish" in values and "cuisine" in values:
            dishes += 1
            assert values["cuisine"] in goes[values["dish"]]
    assert dishes > 50


def test_a_dimension_of_the_governed_value_agrees_too(tmp_path: Path) -> None:
    food(tmp_path)
    text = AGREEING + "dimensions: {dish: order.dish}\n"
    (tmp_path / "pack.yaml").write_text(text, "utf-8")
    made = plans(packs.load(tmp_path), Settings(100), 0)
    pairs = {
        (plan.stratum["dish"], a.value)
        for plan in made.plans
        for a in (a for call in plan.calls for a in call.arguments if a.name == "cuisine")
    }
    assert ("ramen", "noodles") in pairs and ("ramen", "pizza") not in pairs
    assert {cuisine for dish, cuisine in pairs if dish == "pho"} == {"noodles", "vegan"}


def test_surfaces_of_a_schemas_values(tmp_path: Path) -> None:
    schema = {"enum": [3, True, "THIS_WEEK", "kg", None]}
    parameters = {"type": "object", "properties": {"is_n": schema}, "required": ["is_n"]}
    pack = packs.load(write_pack(tmp_path, [{"name": "f", "parameters": parameters}]))
    made = plans(pack, Settings(60), 0)
    said = {(a.value, a.surface) for p in made.plans for c in p.calls for a in c.arguments}
    assert {(3, "three"), (True, "with n"), ("THIS_WEEK", "this week"), ("kg", "kg")} <= said
    assert None not in {value for value, _ in said}


def test_only_sets_that_a_phrase_can_say(travel: packs.Pack) -> None:
    """With a phrase that says city, day and nights with a room or breakfast, never both."""
    required = frozenset({"city", "check_in", "nights"})

    def can_say(function: str, locale: str, slots: frozenset[str]) -> bool:
        return function != "book_hotel" or (
            slots >= required and len(slots - required) <= 1 and "amenities" not in slots
        )

    made = plans(travel, Settings(400), 0, can_say)
    sets = Counter(
        frozenset(a.slot for a in plan.calls[0].arguments)
        for plan in made.plans
        if plan.scenario == "single" and plan.stratum["function"] == "book_hotel"
    )
    assert set(sets) == {required, required | {"room"}, required | {"breakfast"}}


def test_a_function_that_cannot_be_planned_is_left_out(tmp_path: Path) -> None:
    open_ = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
    free = {"type": "object", "properties": {"q": {"type": "string"}}}
    pack = packs.load(
        write_pack(
            tmp_path, [{"name": "ask", "parameters": open_}, {"name": "go", "parameters": free}]
        )
    )
    made = plans(pack, Settings(20), 0)
    assert {p.stratum["function"] for p in made.plans} == {"", "go"}
    assert any("ask is not planned" in warning for warning in made.warnings)
    only = packs.load(write_pack(tmp_path / "other", [{"name": "ask", "parameters": open_}]))
    with pytest.raises(InputError, match="no function can be planned"):
        plans(only, Settings(20), 0)


def test_an_own_source_that_breaks_the_schema_is_told(tmp_path: Path) -> None:
    parameters = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}}
    bad = "name: p\narguments:\n  f.n: {integer: {min: 1, max: 9}}\n"
    pack = packs.load(write_pack(tmp_path, [{"name": "f", "parameters": parameters}], bad))
    with pytest.raises(InputError, match=r"arguments\.f\.n.*gives 9"):
        plans(pack, Settings(20), 0)
