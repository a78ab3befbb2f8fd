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
    held: list[Row] = []
    for turn in row["conversations"]:
        if turn["from"] == "function_call":
            value = json.loads(turn["value"])
            held += value if isinstance(value, list) else [value]
    return _named(held)


def _xlam(row: Row) -> list[Call]:
    return _named(json.loads(row["answers"]))


def _bfcl(row: Row) -> list[Call]:
    found = []
    for one in row.get("answer", {}).get("ground_truth", ()):
        ((name, arguments),) = one.items()
        assert all(len(accepted) == 1 for accepted in arguments.values())
        found.append(Call(name, {key: _value(held[0]) for key, held in arguments.items()}))
    return found


def _value(accepted: Any) -> Any:
    if isinstance(accepted, dict):
        return {key: held[0] for key, held in accepted.items()}
    if isinstance(accepted, list):
        return [_value(one) if isinstance(one, dict) else one for one in accepted]
    return accepted


CALLS: dict[str, Callable[[Row], list[Call]]] = {
    "trl": _trl, "openai": _openai, "hermes": _hermes, "sharegpt": _sharegpt, "xlam": _xlam,
    "bfcl": _bfcl,
}  # fmt: skip
