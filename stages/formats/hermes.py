"""Calls as JSON in tags, one per line:
`<tool_call>{"name": "book", "arguments": {...}}</tool_call>`.

What vLLM's tool parser `hermes` reads.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from stages.core.catalogue import Catalogue
from stages.core.conversation import Call
from stages.core.text import MAX_ANSWER, composed, each, is_valid
from stages.formats.parsed import MAX_DEPTH, Parsed, Unreadable

BEGIN, END = "<tool_call>", "</tool_call>"
# How models name the two parts.
ARGUMENTS = ("arguments", "parameters")


def render(calls: Sequence[Call]) -> str:
    """The calls as the model writes them. Raises ValueError for what JSON cannot hold."""
    return "\n".join(f"{BEGIN}{as_json(call)}{END}" for call in calls)


def as_json(call: Call) -> str:
    """A call as one JSON object; a tag inside a text is escaped."""
    value = {"name": call.name, "arguments": call.arguments}
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not is_valid(text):
        text = json.dumps(value, allow_nan=False)
    return escaped(text)


def escaped(text: str) -> str:
    """JSON text in which no text holds a tag."""
    for tag in (BEGIN, END):
        text = text.replace(tag, f"\\u003c{tag[1:]}")
    return text


def parse(text: str, catalogue: Catalogue) -> Parsed:
    """Read an answer. Text comes in the form NFC."""
    text = text.strip()
    if BEGIN not in text[: MAX_ANSWER + 1]:
        return Parsed((), None, text[:MAX_ANSWER])
    if len(text) > MAX_ANSWER:
        return Parsed((), "too_long", text[:MAX_ANSWER])
    try:
        parts = [part.partition(END)[0] for part in text.split(BEGIN)[1:]]
        return Parsed(tuple(call for part in parts for call in read(part)), None, text)
    except Unreadable as error:
        return Parsed((), error.code, text)


def read(text: str) -> list[Call]:
    """The calls of one JSON text: an object, or a list of them. Raises Unreadable."""
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_none)
    except Unreadable:
        raise
    except (ValueError, RecursionError):
        raise Unreadable("unreadable") from None
    return [_call(one) for one in (value if isinstance(value, list) else [value])]


def _call(value: Any) -> Call:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise Unreadable("unreadable")
    arguments: Any = next((value[key] for key in ARGUMENTS if key in value), {})
    if not isinstance(arguments, dict):
        raise Unreadable("unreadable")
    _check(arguments, 0)
    return Call(value["name"], each(arguments, composed))


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Unreadable("too_deep")
    if isinstance(value, str) and not is_valid(value):
        raise Unreadable("unreadable")
    held = [*value, *value.values()] if isinstance(value, dict) else value
    for one in held if isinstance(held, list) else ():
        _check(one, depth + 1)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise Unreadable("unreadable")
    return dict(pairs)


def _none(_: str) -> Any:
    raise Unreadable("unreadable")
