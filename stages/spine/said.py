"""The conversation of a plan, once its query is there."""

from __future__ import annotations

from stages import language
from stages.core.catalogue import Catalogue
from stages.core.conversation import Message, assistant, user
from stages.core.plan import Plan
from stages.core.sources import simplified
from stages.generation.written import named


def messages(query: str, planned: Plan, catalogue: Catalogue) -> list[Message]:
    """The conversation: what the user says and what is right to answer."""
    words, turn = language.of(planned.locale), planned.turn
    if turn.act == "call":
        return [user(query), assistant([one.call for one in turn.calls])]
    if turn.act == "ask":
        properties = catalogue[turn.calls[0].function].parameters.get("properties", {})
        schema = simplified(properties.get(turn.missing, {}))
        return [user(query), assistant(words.question(named(turn.missing or ""), schema))]
    return [user(query), assistant(words.refusal())]
