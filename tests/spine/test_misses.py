"""Why an answer to a golden query is not exact."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stages.core.command import InputError
from stages.spine import misses

BOOK = {"name": "book", "arguments": {"city": ["Paris"], "nights": [3], "note": ["", "late"]}}


def row(*predicted: dict[str, Any], act: str = "call", error: str | None = None,
        expected: list[dict[str, Any]] | None = None) -> dict[str, Any]:  # fmt: skip
    accepted = [BOOK] if expected is None else expected
    return {"golden_id": 1, "act": act, "error": error, "expected": json.dumps(accepted),
            "predicted": json.dumps(predicted)}  # fmt: skip


def call(name: str = "book", **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


@pytest.mark.parametrize(
    ("answer", "reasons"),
    [
        (row(call(city="Paris", nights=3)), []),
        (row(call(city="Rome", nights=3)), ["city: “Rome”, not “Paris”"]),
        (row(call(city="Paris")), ["nights: missing"]),
        (row(call(city="Paris", nights=3, pets=1)), ["pets: “1”, which nothing asks for"]),
        (row(call(city="Paris", nights=3, note="no")), ["note: “no”, not “late”"]),
        (row(call("cancel")), ["called cancel in place of book"]),
        (row(), ["no call, wanted book"]),
        (row(error="not_json"), ["no call, wanted book", "not json"]),
        (row(call(city="Paris", nights=3), call("cancel")),
         ["called cancel, which nothing asks for"]),
        (row(call(), act="ask", expected=[]), ["called book where it was to ask"]),
        (row(call(), act="refuse", expected=[]), ["called book where it was to refuse"]),
    ],
)  # fmt: skip
def test_the_reasons(answer: dict[str, Any], reasons: list[str]) -> None:
    assert misses.why(answer) == reasons


def test_of_long_texts_the_words_are_told_that_differ() -> None:
    expected = [{"name": "find", "arguments": {"words": ["a red barn in deep snow"]}}]
    answer = row(call("find", words="red barn deep icy snow"), expected=expected)
    assert misses.why(answer) == ["words: lacks “a in”, adds “icy”"]
    answer = row(call("find", words="snow deep in barn red a"), expected=expected)
    assert misses.why(answer) == [
        "words: the words of “a red barn in deep snow” in another order or number"
    ]
    answer = row(call("find", words="green owl"), expected=expected)
    assert misses.why(answer) == ["words: “green owl”, not “a red barn in deep snow”"]


@pytest.mark.parametrize("text", ["{", "[1]", '[{"name": "f"}]', '{"a": 1}'])
def test_calls_that_cannot_be_read_name_file_and_row(text: str) -> None:
    with pytest.raises(InputError, match=r"answers\.parquet: golden row 1 cannot be read"):
        misses.why(row() | {"predicted": text})
