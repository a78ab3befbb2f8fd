"""Samples by stratum: bounded, of every stratum, the same each time."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core.command import InputError
from stages.reporting import choosing, said


@given(st.lists(st.sampled_from("aaaaaabbbc"), min_size=1, max_size=200), st.integers(1, 250))
def test_a_sample_holds_every_group_and_its_share(groups: list[str], limit: int) -> None:
    frame = pl.DataFrame({"group": groups, "key": [str(n) for n in range(len(groups))]})
    sampled = choosing.sample(frame, ["group"], limit, "key")
    assert sampled.equals(choosing.sample(frame, ["group"], limit, "key"))
    assert sampled.height == min(limit, frame.height) and sampled.columns == frame.columns
    positions = [int(key) for key in sampled["key"]]
    assert positions == sorted(set(positions))
    assert all(
        groups[position] == group
        for position, group in zip(positions, sampled["group"], strict=True)
    )
    if limit >= len(set(groups)):
        assert set(sampled["group"]) == set(groups)
        for group in set(groups):
            share = groups.count(group) / len(groups) * sampled.height
            assert abs(sampled["group"].to_list().count(group) - share) <= 3


def test_rows_of_a_value_that_no_row_has_are_an_error_with_those_that_are_there() -> None:
    frame = pl.DataFrame({"route": [f"r{n:03}" for n in range(100)]})
    assert choosing.narrowed(frame, route="r004").height == 1
    assert choosing.narrowed(frame, route=None).height == 100
    with pytest.raises(InputError, match=r"the route 'x': there are r000, r001, .*r029, \.\.\."):
        choosing.narrowed(frame, route="x")


def test_dimensions_of_strata_become_columns() -> None:
    strata = ['{"function": "f", "kind": "a"}', "no JSON", '{"kind": "b", "size": "1"}']
    frame = pl.DataFrame({"stratum": strata, "function": ["f", "g", "h"]})
    widened, names = choosing.with_values(frame)
    assert names == ["kind", "size"]
    assert widened.select("function", *names).rows() == [
        ("f", "a", None), ("g", None, None), ("h", "b", "1"),
    ]  # fmt: skip
    widened, names = choosing.with_values(frame, {"kind", "query"})
    assert names == ["dimension kind", "size"]
    assert widened["dimension kind"].to_list() == ["a", None, "b"]
    empty, names = choosing.with_values(frame.clear())
    assert empty.height == 0 and names == []


@given(st.text(max_size=60))
def test_a_text_for_people_has_no_control_characters(text: str) -> None:
    shown = said.lines(text)
    assert not [c for c in shown if ord(c) < 32 and c != "\n"]
    assert "\x9b" not in shown and "\u2028" not in shown


def test_what_is_too_long_is_cut_and_says_so() -> None:
    assert said.bounded("x" * 9, 4) == "xxxx… (cut)"
    assert len(said.call("f", {"a": "x" * 10_000})) < 4_100


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 1}', '[{"role": "user"}, 3]', "null"])
def test_a_conversation_that_cannot_be_read_says_so(text: str) -> None:
    query, answered, turns = said.conversation(text)
    assert (query, answered, turns) == ("(cannot be read)", "", []) or not turns
