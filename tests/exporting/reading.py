"""The calls of an exported row, read as its consumers do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from stages.core.conversation import Call

TAGGED = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)
Row = dict[str, Any]


def _named(calls: Iterable[Row]) -> list[Call]:
    return [Call(one["name"], one["arguments"]) for one in calls]


def _trl(row: Row) -> list[Call]:
    return _named(call["function"] for m in row["messages"] for call in m.get("tool_calls") or ())


def _openai(row: Row) -> list[Call]:
    texts = _trl(row)
    assert all(isinstance(one.arguments, str) for one in texts)
    return [Call(one.name, json.loads(str(one.arguments))) for one in texts]


def _hermes(row: Row) -> list[Call]:
    said = "\n".join(turn["value"] for turn in row["conversations"] if turn["from"] == "gpt")
    return _named(json.loads(text) for text in TAGGED.findall(said))


def _sharegpt(row: Row) -> list[Call]:
    calls: list[Row] = []
    for turn in row["conversations"]:
        if turn["from"] == "function_call":
            value = json.loads(turn["value"])
            calls += value if isinstance(value, list) else [value]
    return _named(calls)


def _xlam(row: Row) -> list[Call]:
    return _named(json.loads(row["answers"]))


def _bfcl(row: Row) -> list[Call]:
    calls = []
    for expected in row.get("answer", {}).get("ground_truth", ()):
        ((name, arguments),) = expected.items()
        assert all(len(accepted) == 1 for accepted in arguments.values())
        calls.append(Call(name, {key: _value(values[0]) for key, values in arguments.items()}))
    return calls


def _value(accepted: Any) -> Any:
    if isinstance(accepted, dict):
        return {key: values[0] for key, values in accepted.items()}
    if isinstance(accepted, list):
        return [_value(item) if isinstance(item, dict) else item for item in accepted]
    return accepted


CALLS: dict[str, Callable[[Row], list[Call]]] = {
    "trl": _trl, "openai": _openai, "hermes": _hermes, "sharegpt": _sharegpt, "xlam": _xlam,
    "bfcl": _bfcl,
}  # fmt: skip
