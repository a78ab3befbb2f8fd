"""Conversations that go on: turns, steps and ends, with answers that are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from stages.core.catalogue import Catalogue, Function
from stages.core.conversation import Call, user
from stages.evaluation import episodes
from stages.evaluation.asking import Conversation
from stages.evaluation.episodes import Episode, Turn, play
from stages.formats import FORMATS

PYTHONIC = FORMATS["pythonic"]


def function(name: str) -> Function:
    return Function(name, "", {"type": "object", "properties": {"n": {"type": "integer"}}})


FIRST, BOTH = Catalogue([function("add")]), Catalogue([function("add"), function("take")])


class Counter:
    """A world with one number."""

    def __init__(self) -> None:
        self.number = 0

    def call(self, call: Call) -> str:
        if call.name != "add":
            return '{"error": "no such function"}'
        self.number += call.arguments.get("n", 0)
        return f'{{"number": {self.number}}}'


def episode(form: str = "pythonic", most_steps: int = 2) -> Episode:
    turns = [Turn([user("add two and three")], FIRST), Turn([user("take one")], BOTH)]
    return Episode(FORMATS[form], turns, Counter(), most_steps)


class Given:
    """Gives the answers of each conversation in turn, and keeps what was asked; an answer None is
    a conversation that has become too long.
    """

    def __init__(self, *answers: Sequence[str | None]) -> None:
        self.answers = [list(some) for some in answers]
        self.asked: list[list[Conversation]] = []

    def __call__(self, conversations: Sequence[Conversation]) -> list[str | None]:
        self.asked.append(list(conversations))
        open_ones = [some for some in self.answers if some]
        assert len(open_ones) == len(conversations)
        return [some.pop(0) for some in open_ones]


def test_turns_and_steps() -> None:
    one = episode()
    ask = Given(["[add(n=2), add(n=3)]", "Done.", "[take(n=1)]", "I cannot."])
    play([one], ask)
    assert one.ended == episodes.OVER and one.conversation() is None
    assert [[len(step.parsed.calls) for step in turn] for turn in one.steps] == [[2, 0], [1, 0]]
    assert one.steps[0][0].results == ('{"number": 2}', '{"number": 5}')
    assert one.steps[1][0].results == ('{"error": "no such function"}',)
    assert [m["role"] for m in one.messages] == [
        "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "tool", "assistant",
    ]  # fmt: skip
    ids = [m["tool_call_id"] for m in one.messages if m["role"] == "tool"]
    assert ids == ["call_0", "call_1", "call_2"]
    first, second, third, _ = (conversations[0][0] for conversations in ask.asked)
    assert "add" in first[0]["content"] and "take" not in first[0]["content"]
    assert [m["content"] for m in second[2:]] == [
        "[add(n=2), add(n=3)]", '{"number": 2}', '{"number": 5}',
    ]  # fmt: skip
    assert "take" in third[0]["content"], "a turn may show more functions"
    assert third[-1] == {"role": "user", "content": "take one"}


def test_all_that_go_on_are_asked_together() -> None:
    several = [episode(), episode(), episode()]
    ask = Given(["no", "no"], ["[add(n=1)]", "no", None], ["no", "[add(n=1)]", "no"])
    play(several, ask)
    assert [len(conversations) for conversations in ask.asked] == [3, 3, 2]
    assert [one.ended for one in several] == ["over", "too_long", "over"]
    assert [len(one.steps) for one in several] == [2, 2, 2]
    assert several[1].steps[1] == []
    assert [one.environment.number for one in several] == [0, 1, 1]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("most", "ended"), [(1, "too_many_steps"), (2, "over")])
def test_a_turn_has_so_many_steps(most: int, ended: str) -> None:
    one = episode(most_steps=most)
    play([one], Given(["[add(n=1)]", "[add(n=1)]"] + ["no"] * (most == 2) * 2))
    assert one.ended == ended
    assert one.environment.number == 2, "calls of the step too many are done"  # type: ignore[attr-defined]


def test_what_cannot_be_read_ends_a_turn() -> None:
    one = episode()
    play([one], Given(["[add(5)]", "<think>[add(n=1)]</think>[add(n=2)]", ""]))
    assert [step.parsed.error for turn in one.steps for step in turn] == [
        "positional_argument", None, None,
    ]  # fmt: skip
    assert one.messages[1] == {"role": "assistant", "content": "[add(5)]"}
    assert one.steps[1][0].results == ('{"number": 2}',), "thoughts call nothing"
    assert "think" not in str(one.messages)


def test_the_format_native_has_messages_of_calls() -> None:
    one = episode("native")
    ask = Given(
        ['<tool_call>{"name": "add", "arguments": {"n": 2}}</tool_call>', "done", "no"],
    )
    play([one], ask)
    (messages, tools), (more, _), (_, shown) = (step[0] for step in ask.asked)
    names: list[Any] = [
        [tool["function"]["name"] for tool in some or []] for some in (tools, shown)
    ]
    assert names == [["add"], ["add", "take"]]
    assert messages == [user("add two and three")]
    assert more[1]["tool_calls"][0]["function"] == {"name": "add", "arguments": {"n": 2}}
    assert more[2]["role"] == "tool"
