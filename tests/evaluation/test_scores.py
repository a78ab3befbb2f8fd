"""Scores of calls: values, the assignment, and each score on small answers."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core import catalogue as catalogues
from stages.core.conversation import Call
from stages.core.golden_rows import Expected, GoldenRow
from stages.evaluation import scores
from stages.evaluation.answered import Answered, answered
from stages.evaluation.matching import match
from stages.evaluation.shortlist import recall, shortlist
from stages.evaluation.values import is_accepted, same
from stages.formats import FORMATS
from tests.builders import make_tools

CATALOGUE = catalogues.from_tools(make_tools())
SHOWN = CATALOGUE.names
# Not empty: that would mean that an argument may be left out.
VALUES = st.one_of(st.text(min_size=1, max_size=6), st.integers(-5, 5), st.booleans())
CALLS = st.lists(
    st.builds(
        Call,
        st.sampled_from(["f", "g"]),
        st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3),
    ),
    max_size=4,
)  # fmt: skip


@pytest.mark.parametrize(
    ("value", "accepted", "is_same"),
    [
        ("The Crown!", "crown", True), ("paris", "Paris", True), ("paris", "rome", False),
        (2, 2.0, True), ("2", 2, True), (True, 1, False), (None, "", False), ("a", "the", False),
        (["b", "a"], ["a", "b"], True), (["a"], ["a", "a"], False),
        ("2026-06-02", "2026-06-02", True),
        ({"x": "A"}, {"x": "a"}, True), ({"x": 1}, {"y": 1}, False), ("café", "Cafe\u0301", True),
    ],
)  # fmt: skip
def test_values_are_compared_by_what_they_say(value: Any, accepted: Any, is_same: bool) -> None:
    assert same(value, accepted) is is_same
    assert is_accepted(value, ["something else", accepted]) is is_same


@given(CALLS, st.integers(0, 9))
def test_the_order_of_calls_does_not_count(calls: list[Call], seed: int) -> None:
    expected = [Expected(c.name, {k: [v] for k, v in c.arguments.items()}) for c in calls]
    shuffled = random.Random(seed).sample(calls, len(calls))
    matches = match(shuffled, expected)
    assert len(matches) == len(calls)
    assert all(m.call is not None and m.expected is not None for m in matches)
    assert all(m.agreement.is_exact for m in matches)
    assert all(m.agreement.right == 0 for m in match([], expected))


@given(CALLS, CALLS)
def test_no_argument_is_counted_twice(calls: list[Call], other: list[Call]) -> None:
    expected = [Expected(c.name, {k: [v] for k, v in c.arguments.items()}) for c in other]
    matches = match(calls, expected)
    assert sum(m.agreement.given for m in matches) == sum(len(c.arguments) for c in calls)
    assert sum(m.agreement.expected for m in matches) == sum(len(c.arguments) for c in other)
    assert sum(m.call is not None for m in matches) == len(calls)
    assert sum(m.expected is not None for m in matches) == len(other)


def test_an_argument_that_may_be_absent_counts_only_where_it_is_given() -> None:
    expected = [Expected("f", {"a": [1], "b": ["", "x"]})]
    assert match([Call("f", {"a": 1})], expected)[0].agreement == (1, 1, 1)
    assert match([Call("f", {"a": 1, "b": "x"})], expected)[0].agreement == (2, 2, 2)
    assert match([Call("f", {"a": 1, "b": "y"})], expected)[0].agreement == (1, 2, 2)


def row(completion: str, act: str = "call", missing: str | None = None) -> Answered:
    expected = (
        Expected("book_hotel", {"city": ["paris"], "check_in": ["2026-06-02"], "nights": [3]}),
    )
    golden = GoldenRow(1, "q", act, () if act == "refuse" else expected, missing)
    return answered(golden, SHOWN, completion, FORMATS["pythonic"], CATALOGUE)


RIGHT = '[book_hotel(city="Paris", check_in="2026-06-02", nights=3)]'


def value(*rows: Answered) -> dict[str, float]:
    found = scores.estimates(rows, 100, 0)
    return {name: one.value for name, one in found.items() if one is not None}


def test_a_right_answer_scores_one_everywhere() -> None:
    found = value(row(RIGHT), row("Sorry.", "refuse"), row("Which city?", "ask", "city"))
    assert found.pop("hallucinated_function") == 0
    assert all(one == 1 for one in found.values()) and len(found) == len(scores.SCORES)


def test_what_is_wrong_is_counted_where_it_is_wrong() -> None:
    wrong = value(row('[book_hotel(city="Rome", check_in="2026-06-02", nights=3)]'))
    assert wrong["function_accuracy"] == 1 and wrong["exact_call"] == 0
    assert wrong["argument_f1"] == pytest.approx(2 / 3)
    invented = row('[fly_to_moon(city="Paris")]')
    assert invented.error == "unknown_function"
    assert value(invented)["hallucinated_function"] == 1
    assert value(invented)["argument_precision"] == 0
    unreadable = value(row("[book_hotel(city=", "refuse"))
    assert unreadable["no_call_accuracy"] == 0 and unreadable["readable"] == 0
    silent = value(row("I can't."))
    assert silent["must_call"] == 0 and silent["argument_f1"] == 0
    guessed = value(row(RIGHT, "ask", "nights"))
    assert guessed["missing_argument_accuracy"] == 0 and guessed["asks_for_it"] == 0


def test_intervals_hold_the_value_and_depend_on_the_seed_alone() -> None:
    rows = [row(RIGHT)] * 30 + [row("[show_trips()]")] * 10
    found = scores.estimates(rows, 500, 7)
    one = found["exact_call"]
    assert one is not None and one.low < one.value == 0.75 < one.high
    assert found == scores.estimates(rows, 500, 7)
    assert found["no_call_accuracy"] is None


def test_the_shortlist_has_the_nearest_first() -> None:
    def encode(texts: list[str]) -> np.ndarray:
        return np.array([[float("taxi" in t), float("hotel" in t), 0.1] for t in texts])

    found = shortlist(["a taxi please", "my hotel"], CATALOGUE, 1, lambda: encode)
    assert found == [("order_taxi",), ("book_hotel",)]
    both = shortlist(["a taxi to my hotel hotel", "my hotel"], CATALOGUE, 2, lambda: encode)
    assert both[1][0] == "book_hotel" and set(both[0]) == {"order_taxi", "book_hotel"}
    assert shortlist(["x"], CATALOGUE, 3, lambda: encode) == [CATALOGUE.names]
    assert recall(found, [["order_taxi"], ["order_taxi"]]) == 0.5
    assert recall(found, [[], []]) is None
