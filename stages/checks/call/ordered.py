"""Calls of one function are said in their order, so that no value goes to another's call."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from stages.checks.call.context import Context, Refusal
from stages.checks.call.places import Mention, places
from stages.core.plan import Plan

NAME = "ordered"


def check(query: str, plan: Plan, context: Context) -> Refusal | None:
    """Refuses a query in which two calls of one function say the values of an argument the other
    way round. A value that both have may be said once.
    """
    if len(plan.calls) < 2:
        return None
    by_slot: dict[tuple[str, str], list[Mention]] = defaultdict(list)
    for mention in places(query, plan, context):
        by_slot[mention.function, mention.argument.slot].append(mention)
    for (function, slot), mentions in by_slot.items():
        for one, other in pairwise(mentions):
            if one.spans and other.spans and one.spans[0] > other.spans[0]:
                return Refusal(NAME, f"{slot} of {function}: the later call's is said first")
    return None
