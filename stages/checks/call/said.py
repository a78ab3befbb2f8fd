"""Every argument that the user must say is in the query's words, each in words of its own."""

from __future__ import annotations

from stages.checks.call.context import Context, Refusal
from stages.checks.call.places import places
from stages.core.plan import Plan

NAME = "said"


def check(query: str, plan: Plan, context: Context) -> Refusal | None:
    """Refuses a query in which an argument is not said: neither in the words planned for it, nor in
    other words of its vocabulary, as a numeral or in words, as a date or a time, or inflected.
    """
    for mention in places(query, plan, context):
        if not mention.spans:
            argument = mention.argument
            words = argument.surface if argument.surface is not None else argument.value
            return Refusal(NAME, f"{argument.slot} is not said: {words!s:.80}")
    return None
