"""Calls and conversations as people read them, bounded and without what no one sees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stages.core.conversation import calls_of
from stages.core.text import cleaned

# Characters of a text that a page or a screen shows at most.
LONGEST = 4_000
MORE = "… (cut)"


def bounded(text: str, limit: int = LONGEST) -> str:
    """At most so many characters of a text."""
    return text if len(text) <= limit else text[:limit] + MORE


def lines(text: str, limit: int = LONGEST) -> str:
    """A text without control characters, its line breaks kept."""
    return "\n".join(cleaned(line) for line in bounded(text, limit).splitlines())


def value(item: Any) -> str:
    """A value as it stands in a call."""
    return json.dumps(item, ensure_ascii=False)


def call(name: str, arguments: Mapping[str, Any]) -> str:
    """A call on one line: f(a=1, b="two")."""
    listed = ", ".join(f"{key}={value(item)}" for key, item in arguments.items())
    return bounded(cleaned(f"{name}({listed})"))


def accepted(name: str, arguments: Mapping[str, list[Any]]) -> str:
    """An expected call on one line, with all accepted values: f(a=1 or 2)."""
    listed = ", ".join(
        f"{key}={' or '.join('nothing' if item == '' else value(item) for item in values)}"
        for key, values in arguments.items()
    )
    return bounded(cleaned(f"{name}({listed})"))


def conversation(messages: str) -> tuple[str, str, list[list[str]]]:
    """What the user says first, what the assistant answers to all of it, and each message as role
    and text, of the JSON of a conversation. Texts stand in for one that cannot be read.
    """
    try:
        value = json.loads(messages)
        turns = [[str(m["role"]), _message(m)] for m in value]
        query = next((text for role, text in turns if role == "user"), "")
        answered = " ".join(text for role, text in turns if role == "assistant")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "(cannot be read)", "", []
    return query, bounded(answered), turns


def _message(message: Mapping[str, Any]) -> str:
    calls = [call(one.name, one.arguments) for one in calls_of(dict(message))]
    words = message.get("content") or ""
    words = words if isinstance(words, str) else value(words)
    return " ".join(filter(None, (lines(words), *calls)))


def calls(text: str) -> str:
    """The calls of a JSON list on one line, "(no call)" for none."""
    return "; ".join(call(c["name"], c["arguments"]) for c in json.loads(text)) or "(no call)"


def expected(text: str, act: str) -> str:
    """The expected calls of a JSON list on one line; what else is right, where none is."""
    if act != "call":
        return f"({act}, no call)"
    return "; ".join(accepted(c["name"], c["arguments"]) for c in json.loads(text))
