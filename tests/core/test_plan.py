"""Plans survive JSON, and put nested arguments together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core.conversation import Call
from stages.core.plan import (
    ACTS,
    FAILING,
    PROVENANCES,
    Argument,
    Plan,
    PlannedCall,
    Turn,
    from_json,
    from_record,
    to_json,
    to_record,
    turns_from_json,
)
from tests.builders import make_call, make_candidate, make_plan, make_sample

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
NAMES = st.text(min_size=1, max_size=5)
ARGUMENTS = st.builds(
    Argument, NAMES, VALUES, st.sampled_from(PROVENANCES), st.none() | st.text(),
    st.lists(NAMES, max_size=2).map(tuple),
)  # fmt: skip
CALLS = st.builds(PlannedCall, NAMES, st.lists(ARGUMENTS, max_size=4).map(tuple))
TURNS = st.builds(
    Turn,
    st.sampled_from(ACTS),
    st.lists(CALLS, max_size=2).map(tuple),
    st.none() | NAMES,
    st.lists(st.dictionaries(NAMES, VALUES, max_size=2), max_size=2).map(tuple),
    st.none() | st.sampled_from(FAILING),
    st.none() | st.text(),
)
PLANS = st.builds(
    Plan, NAMES, NAMES, st.dictionaries(NAMES, st.text(), max_size=3), NAMES,
    st.lists(TURNS, min_size=1, max_size=2).map(tuple), NAMES, st.text(), st.integers(0),
    st.integers(0), NAMES, st.integers(0), st.lists(NAMES).map(tuple), st.lists(NAMES).map(tuple),
    st.none() | NAMES, st.none() | st.text(),
)  # fmt: skip


@given(PLANS)
def test_a_plan_survives_json(plan: Plan) -> None:
    assert from_json(to_json(plan)) == plan
    assert from_record(to_record(plan)) == plan


def test_nested_arguments_are_put_together() -> None:
    call = make_call("order_taxi", from_={"street": "3 elm street", "city": "rome"}, passengers=2)
    assert [a.slot for a in call.arguments] == ["from.street", "from.city", "passengers"]
    expected = {"from": {"street": "3 elm street", "city": "rome"}, "passengers": 2}
    assert call.call == Call("order_taxi", expected)
    assert call.said == call.arguments


def test_what_is_no_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="act 'shout'"):
        turns_from_json('[{"act": "shout"}]')
    with pytest.raises(ValueError, match="failing 'sad'"):
        turns_from_json('[{"act": "answer", "failing": "sad"}]')
    argument = {"name": "a", "value": 1, "provenance": "x"}
    bad = json.dumps([{"act": "call", "calls": [{"function": "f", "arguments": [argument]}]}])
    with pytest.raises(ValueError, match="provenance 'x'"):
        turns_from_json(bad)


def test_builders_go_together() -> None:
    plan = make_plan(act="ask", missing="city", scenario="missing_argument")
    assert plan.turn.missing == "city" and from_json(to_json(plan)) == plan
    assert make_candidate(check="length")["plan_id"] == make_plan().plan_id
    sample = make_sample()
    call = sample["messages"][1]["tool_calls"][0]["function"]
    assert call["name"] in {tool["function"]["name"] for tool in sample["tools"]}
    assert (
        "tool_calls"
        not in make_sample(plan=make_plan(scenario="no_call", act="refuse"))["messages"][1]
    )
