"""Calls, and the messages of a conversation that hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.core.text import composed

# As OpenAI's chat API has it; `arguments` is an object, as chat templates want it, not JSON text.
Message = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A call of a function: its name and its arguments, a JSON value each."""

    name: str
    arguments: dict[str, Any]


def user(text: str) -> Message:
    """What the user says."""
    return {"role": "user", "content": text}


def assistant(answer: str | Sequence[Call], first: int = 0) -> Message:
    """What the assistant answers: words, or calls, numbered from `first`."""
    if isinstance(answer, str):
        return {"role": "assistant", "content": answer}
    calls = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for number, call in enumerate(answer, first)
    ]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def results(calls: Message, given: Sequence[Mapping[str, Any]]) -> list[Message]:
    """What the calls of a message give back, a JSON object each; [] for calls without results."""
    return [
        {
            "role": "tool",
            "tool_call_id": call["id"],
            "content": json.dumps(one, ensure_ascii=False),
        }
        for call, one in zip(calls["tool_calls"], given, strict=True)
    ] if given else []  # fmt: skip


def calls_of(message: Message) -> list[Call]:
    """The calls of a message; arguments that are JSON text, as OpenAI's API has them, are read.

    Raises ValueError for text that is not a JSON object.
    """
    calls = []
    for tool in message.get("tool_calls") or []:
        function = tool["function"]
        arguments = function["arguments"]
        if isinstance(arguments, str):
            arguments = json.loads(arguments)
        if not isinstance(arguments, dict):
            raise ValueError(f"the arguments of {function['name']!r:.60} are no object")
        calls.append(Call(function["name"], arguments))
    return calls


def equal(a: Any, b: Any) -> bool:
    """Whether two JSON values are the same: 1 is 1.0 but not true, text counts in the form NFC."""
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    if isinstance(a, str) and isinstance(b, str):
        return composed(a) == composed(b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(value, b[name]) for name, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return False
