"""The conversation of a plan, once the user's messages are there."""

from __future__ import annotations

from collections.abc import Sequence

from stages import language
from stages.core.catalogue import Catalogue
from stages.core.conversation import Message, assistant, results, user
from stages.core.plan import Plan, Turn
from stages.core.sources import simplified
from stages.language.identifiers import named


def messages(said: Sequence[str], planned: Plan, catalogue: Catalogue) -> list[Message]:
    """The conversation: each message of the user with what is right to answer, and what calls give
    back with the words for it.
    """
    spoken, texts, called = list[Message](), iter(said), 0
    for turn in planned.turns:
        if turn.act != "answer":
            spoken.append(user(next(texts)))
        spoken.append(_answer(turn, planned.locale, catalogue, called))
        if turn.act == "call":
            spoken += results(spoken[-1], turn.results)
            called += len(turn.calls)
    return spoken


def _answer(turn: Turn, locale: str, catalogue: Catalogue, first: int) -> Message:
    words, argument = language.of(locale), named(turn.missing or "")
    if turn.act == "call":
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
