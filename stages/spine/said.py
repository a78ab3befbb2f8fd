"""The conversation of a plan, once the user's messages are there."""

from __future__ import annotations

from collections.abc import Sequence

from stages import language
from stages.core.catalogue import Catalogue
from stages.core.conversation import Message, assistant, user
from stages.core.plan import Plan, Turn
from stages.core.sources import simplified
from stages.generation.written import named


def messages(said: Sequence[str], planned: Plan, catalogue: Catalogue) -> list[Message]:
    """The conversation: each message of the user with what is right to answer."""
    spoken = []
    for text, turn in zip(said, planned.turns, strict=True):
        spoken += [user(text), _answer(turn, planned.locale, catalogue)]
    return spoken


def _answer(turn: Turn, locale: str, catalogue: Catalogue) -> Message:
    words = language.of(locale)
    if turn.act == "call":
        return assistant([one.call for one in turn.calls])
    if turn.act == "ask":
        properties = catalogue[turn.calls[0].function].parameters.get("properties", {})
        schema = simplified(properties.get(turn.missing, {}))
        return assistant(words.question(named(turn.missing or ""), schema))
    return assistant(words.refusal())
