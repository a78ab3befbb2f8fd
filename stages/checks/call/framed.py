"""What frames the query asks for the plan's function, and for its class."""

from __future__ import annotations

from stages.checks import contradiction
from stages.checks.call.context import Context, Refusal
from stages.core.plan import Plan

FUNCTION, CLASS = "function", "class"


def check(query: str, plan: Plan, context: Context) -> Refusal | None:
    """Refuses a query that commands another function, or names another class than the plan's; in a
    pack without a frame any query may be taken.
    """
    frame = context.frame
    if frame is None:
        return None
    for call in plan.calls:
        if reason := contradiction.function(query, call.function, frame):
            return Refusal(FUNCTION, reason)
        wanted = context.pack.class_of(call)
        if wanted and (reason := contradiction.named(query, wanted, frame)):
            return Refusal(CLASS, reason)
    return None
