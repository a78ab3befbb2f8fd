"""Near misses: a plan changed in one way alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core import catalogue as catalogues
from stages.core import pack as packs
from stages.core.pack import Pack
from stages.core.plan import Plan, PlannedCall
from stages.planning.calls import Calls
from stages.planning.presence import Presence
from stages.planning.sources import TODAY, Pools
from stages.preferences import Case, optional, several, unasked, values
from tests.builders import TRAVEL, make_call, make_plan

Drawn = Callable[[str], Sequence[PlannedCall]]
# Seeds of what is drawn, and numbers of two of the calls that are.
SEEDS, CALLS = st.integers(0, 10_000), st.integers(0, 39)
FUNCTIONS = st.sampled_from(["book_hotel", "order_taxi"])


@pytest.fixture(scope="module")
def pack() -> Pack:
    return packs.load(TRAVEL)


@pytest.fixture(scope="module")
def drawn(pack: Pack) -> Drawn:
    """Forty valid calls of a function, always the same."""
    pools, made = Pools(pack), dict[str, list[PlannedCall]]()

    def of(function: str) -> list[PlannedCall]:
        if function not in made:
            calls = Calls(pools, Presence(pack, function, "en", 1, lambda *_: True))
            made[function] = [calls.draw(TODAY, random.Random(n)) for n in range(40)]
        return made[function]

    return of


def case(pack: Pack, drawn: Drawn, plan: Plan, seed: int = 0, shown: Sequence[str] = ()) -> Case:
    return Case(plan, pack, shown, drawn, random.Random(seed))


def values_of(call: PlannedCall) -> dict[str, object]:
    return {one.slot: one.value for one in call.arguments}


def changes(plan: Plan, made: Iterator[Plan]) -> Iterator[tuple[dict[str, object], ...]]:
    """Of each plan that differs by one call: its values before and after."""
    for one in made:
        assert len(one.calls) == len(plan.calls) and one.turn.act == "call"
        pairs = zip(plan.calls, one.calls, strict=True)
        different = [pair for pair in pairs if pair[0].call != pair[1].call]
        assert len(different) == 1
        yield tuple(map(values_of, different[0]))


@given(FUNCTIONS, CALLS, CALLS, SEEDS)
def test_one_value_is_another(
    pack: Pack, drawn: Drawn, function: str, first: int, second: int, seed: int
) -> None:
    plan = make_plan(drawn(function)[first], drawn(function)[second])
    made = list(values.other(case(pack, drawn, plan, seed)))
    assert made
    for before, after in changes(plan, iter(made)):
        assert before.keys() == after.keys()
        assert sum(before[slot] != after[slot] for slot in before) == 1


@given(FUNCTIONS, CALLS, SEEDS)
def test_one_optional_argument_goes_or_comes(
    pack: Pack, drawn: Drawn, function: str, number: int, seed: int
) -> None:
    plan = make_plan(drawn(function)[number])
    required = set(pack.catalogue[function].required)
    for before, after in changes(plan, optional.left_out(case(pack, drawn, plan, seed))):
        assert after.items() < before.items()
        assert required <= {slot.split(".")[0] for slot in after}
    for before, after in changes(plan, optional.added(case(pack, drawn, plan, seed))):
        assert before.items() < after.items()
    for kind in (optional.left_out, optional.added, values.other):
        for miss in kind(case(pack, drawn, plan, seed)):
            assert not catalogues.problems(miss.calls[0].call, pack.catalogue)


def test_what_may_mean_the_same_is_no_miss(pack: Pack, drawn: Drawn) -> None:
    """A default said or not, and `false` of what has none."""
    street = {"street": "7 mill lane"}
    plan = make_plan(make_call("order_taxi", **{"from": street}, passengers=1))
    assert not list(optional.left_out(case(pack, drawn, plan)))
    one = make_call("order_taxi", **{"from": street}, passengers=1)
    two = make_call("order_taxi", **{"from": street}, passengers=2)
    plan = make_plan(make_call("order_taxi", **{"from": street}))
    assert not list(optional.added(case(pack, lambda _: [one], plan)))
    (miss,) = optional.added(case(pack, lambda _: [two], plan))
    assert miss.calls[0].call == two.call
    stay = {"city": "rome", "check_in": "2026-06-02", "nights": 3}
    plan = make_plan(make_call(**stay))
    assert not list(
        optional.added(case(pack, lambda _: [make_call(**stay, breakfast=False)], plan))
    )


@given(FUNCTIONS, CALLS, CALLS, SEEDS)
def test_values_that_changed_their_places(
    pack: Pack, drawn: Drawn, function: str, first: int, second: int, seed: int
) -> None:
    plan = make_plan(drawn(function)[first], drawn(function)[second])

    def all_values(one: Plan) -> list[str]:
        return sorted(repr(a.value) for call in one.calls for a in call.arguments)

    for miss in values.swapped(case(pack, drawn, plan, seed)):
        assert all_values(miss) == all_values(plan)
        assert [call.call for call in miss.calls] != [call.call for call in plan.calls]
        assert [values_of(c).keys() for c in miss.calls] == [
            values_of(c).keys() for c in plan.calls
        ]


@given(st.lists(CALLS, min_size=1, max_size=4, unique=True), SEEDS)
def test_a_call_too_few_or_too_many(
    pack: Pack, drawn: Drawn, numbers: list[int], seed: int
) -> None:
    plan = make_plan(*(drawn("book_hotel")[n] for n in numbers))
    fewer = list(several.left_out(case(pack, drawn, plan, seed)))
    more = list(several.doubled(case(pack, drawn, plan, seed)))
    assert len(fewer) == len(more) == (len(numbers) if len(numbers) > 1 else 0)
    for miss in fewer:
        rest = list(plan.calls)
        rest.remove(next(call for call in plan.calls if call not in miss.calls))
        assert list(miss.calls) == rest
    for miss in more:
        assert miss.calls[:-1] == plan.calls and miss.calls[-1] in plan.calls


@given(CALLS, SEEDS)
def test_a_question_becomes_a_call_with_an_invented_value(
    pack: Pack, drawn: Drawn, number: int, seed: int
) -> None:
    whole = drawn("book_hotel")[number]
    known = PlannedCall("book_hotel", tuple(a for a in whole.arguments if a.name != "nights"))
    plan = make_plan(known, act="ask", missing="nights", scenario="missing_argument")
    for miss in unasked.invented(case(pack, drawn, plan, seed)):
        (call,) = miss.calls
        assert miss.turn.act == "call" and miss.turn.missing is None
        assert not catalogues.problems(call.call, pack.catalogue)
        assert [one for one in call.arguments if one.name != "nights"] == list(known.arguments)
        assert list(values_of(call)) == list(values_of(whole))  # as the schema orders them


def test_a_refusal_becomes_a_call_of_the_first_function_with_the_values_said(
    pack: Pack, drawn: Drawn
) -> None:
    taxi = make_call("order_taxi", **{"from": {"street": "7 mill lane", "city": "oslo"}}, budget=20)
    plan = make_plan(taxi, act="refuse", scenario="missing_function")
    made = list(unasked.called(case(pack, drawn, plan, shown=["book_hotel", "show_trips"])))
    assert [one.calls[0].function for one in made] == ["book_hotel"] * 40 + ["show_trips"] * 40
    call = made[0].calls[0].call
    assert call.arguments.keys() == {"city", "check_in", "nights"}
    assert call.arguments["city"] == "oslo"
    assert not catalogues.problems(call, pack.catalogue)


def test_a_function_of_which_no_call_can_be_made_gives_none(pack: Pack) -> None:
    plan = make_plan(scenario="no_call", act="refuse")
    assert not list(unasked.called(case(pack, lambda _: (), plan, shown=["book_hotel"])))
