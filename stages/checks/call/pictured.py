"""A query about a picture mentions something of it."""

from __future__ import annotations

from stages.checks import ungrounded
from stages.checks.call.context import Context, Refusal
from stages.core.plan import Plan

NAME = "ungrounded"


def check(query: str, plan: Plan, context: Context) -> Refusal | None:
    """Refuses a query of which no word is like one of the picture or of its metadata."""
    reason = ungrounded.check(query, context.seen, plan.slots, context.frame)
    return Refusal(NAME, reason) if reason else None
