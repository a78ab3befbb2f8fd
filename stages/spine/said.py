"""The conversation of a plan, once the user's messages are there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stages import language
from stages.core.catalogue import Catalogue
from stages.core.conversation import Message, assistant, results, user
from stages.core.plan import CALLING, UNASKED, Plan, Turn
from stages.core.sources import simplified
from stages.language.identifiers import named

# Facts of a row, and rows, that the assistant tells.
FACTS, ROWS = 3, 3


def messages(said: Sequence[str], planned: Plan, catalogue: Catalogue) -> list[Message]:
    """The conversation: each message of the user with what is right to answer, and what calls give
    back with the words for it.
    """
    spoken, texts, called = list[Message](), iter(said), 0
    given: Mapping[str, Any] = {}
    for turn in planned.turns:
        if turn.act not in UNASKED:
            spoken.append(user(next(texts)))
        if turn.act == "answer" and turn.state is not None:
            spoken.append(assistant(told(given, planned.locale)))
            continue
        spoken.append(_answer(turn, planned.locale, catalogue, called))
        if turn.act in CALLING:
            given = turn.results[-1] if turn.results else {}
            spoken += results(spoken[-1], turn.results)
            called += len(turn.calls)
    return spoken


def told(result: Mapping[str, Any], locale: str) -> str:
    """The assistant's words for what a world gave back last: its first facts, of several rows those
    of the first ones.
    """
    words = language.of(locale)
    rows = next((value for value in result.values() if _are_rows(value)), None)
    if rows is not None:
        parts = [_fact(next(iter(row.values()))) + _rest(row) for row in rows[:ROWS]]
    else:
        facts = [(named(key), value) for key, value in result.items() if value is not None][:FACTS]
        nothing = words.REFERENCES.nothing
        parts = [nothing.format(name=key) if value == [] else f"{key} {_fact(value)}"
                 for key, value in facts]  # fmt: skip
    return words.REFERENCES.told.format(facts="; ".join(parts)) if parts else words.done()


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _rest(row: Mapping[str, Any]) -> str:
    facts = [f"{named(key)} {_fact(value)}" for key, value in [*row.items()][1:FACTS]]
    return f" ({', '.join(facts)})" if facts else ""


def _fact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _answer(turn: Turn, locale: str, catalogue: Catalogue, first: int) -> Message:
    words, argument = language.of(locale), named(turn.missing or "")
    if turn.act in CALLING:
        return assistant([one.call for one in turn.calls], first)
    if turn.act == "ask":
        properties = catalogue[turn.calls[0].function].parameters.get("properties", {})
        schema = simplified(properties.get(turn.missing, {}))
        return assistant(words.question(argument, schema))
    if turn.act == "answer" and turn.failing is None:
        return assistant(words.done())
    if turn.failing is not None:
        return assistant(words.failure(turn.failing, argument))
    return assistant(words.refusal())
