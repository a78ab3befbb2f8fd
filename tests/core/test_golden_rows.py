"""Golden sets of calls: both forms, and one message for a bad row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages.core import catalogue as catalogues
from stages.core.command import InputError
from stages.core.conversation import Call, assistant, user
from stages.core.golden_rows import Expected, GoldenRow, read
from tests.builders import make_tools

CATALOGUE = catalogues.from_tools(make_tools())
CALL = {"city": "paris", "check_in": "2026-06-02", "nights": 3}


def rows(folder: Path, *given: Any) -> list[GoldenRow]:
    path = folder / "golden.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in given))
    return read(path, CATALOGUE)


def test_the_short_and_the_long_form_say_the_same(tmp_path: Path) -> None:
    short, long = rows(
        tmp_path,
        {"query": "q", "function": "book_hotel",
         "arguments": {**CALL, "room": {"any_of": ["single", ""]}}},
        {"messages": [{"role": "user", "content": "q"}],
         "expected": [{"name": "book_hotel",
                       "arguments": {**{k: [v] for k, v in CALL.items()}, "room": ["single", ""]}}],
         "tools": ["book_hotel", "show_trips"]},
    )  # fmt: skip
    assert short.expected == long.expected and short.act == long.act == "call"
    assert short.tools is None and long.tools == ("book_hotel", "show_trips")
    assert short.expected[0].arguments["room"] == ["single", ""]


def test_rows_without_a_call(tmp_path: Path) -> None:
    refuse, ask = rows(
        tmp_path,
        {"query": "sing", "act": "refuse"},
        {"query": "a hotel", "act": "ask", "function": "book_hotel", "missing": "city",
         "arguments": {}},
    )  # fmt: skip
    assert refuse.act == "refuse" and refuse.expected == ()
    assert ask.missing == "city" and ask.expected == (Expected("book_hotel", {}),)
    assert rows(tmp_path) == []


def test_a_conversation_is_gone_on_with(tmp_path: Path) -> None:
    call = {"id": "x", "type": "function",
            "function": {"name": "show_trips", "arguments": "{}"}}  # fmt: skip
    (row,) = rows(
        tmp_path,
        {"messages": [{"role": "user", "content": "my trips"},
                      {"role": "assistant", "content": None, "tool_calls": [call]},
                      {"role": "tool", "tool_call_id": "x", "content": "[]", "name": "n"},
                      {"role": "assistant", "content": "Which?", "audio": None},
                      {"role": "user", "content": "a hotel"}],
         "act": "ask", "function": "book_hotel", "missing": "city", "arguments": {}},
    )  # fmt: skip
    assert row.query == "a hotel" and row.said == ["my trips", "a hotel"]
    assert row.messages == [
        user("my trips"), assistant([Call("show_trips", {})]),
        {"role": "tool", "tool_call_id": "x", "content": "[]"},
        assistant("Which?"), user("a hotel"),
    ]  # fmt: skip
    (plain,) = rows(tmp_path, {"query": "q", "act": "refuse"})
    assert plain.history == () and plain.messages == [user("q")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, "query"), ({"query": "x" * 5000, "act": "refuse"}, "characters"),
        ({"query": "q"}, "no call is expected"), ({"query": "q", "act": "call"}, "act call needs"),
        ({"query": "q", "act": "ask"}, "missing"), ({"query": "q", "act": "sing"}, "no call"),
        ({"query": "q", "function": "fly", "arguments": {}}, "not in the catalogue"),
        ({"query": "q", "function": "book_hotel", "arguments": {}}, "missing_argument"),
        ({"query": "q", "function": "book_hotel", "arguments": {**CALL, "nights": "x"}},
         "wrong_type"),
        ({"query": "q", "function": "show_trips", "arguments": []}, "object"),
        ({"query": "q", "expected": [{"name": "show_trips", "arguments": {}}],
          "tools": ["book_hotel"]}, "not shown"),
        ({"query": "q", "act": "refuse", "tools": ["x"]}, "tools"),
        ({"messages": [], "act": "refuse"}, "1 to 100 messages"),
        ({"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "q"}],
          "act": "refuse"}, "role 'system'"),
        ({"messages": [{"role": "assistant", "content": 3}, {"role": "user", "content": "q"}],
          "act": "refuse"}, "no text"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": "f"}]},
                       {"role": "user", "content": "q"}], "act": "refuse"}, "OpenAI's form"),
        ({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
          "act": "refuse"}, "the user's"),
        ({"query": "\ud83d", "act": "refuse"}, "surrogate"),
    ],
)  # fmt: skip
def test_a_bad_row_is_told_with_its_line(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=rf"golden\.jsonl, line 2: .*{said}"):
        rows(tmp_path, {"query": "fine", "act": "refuse"}, row)
