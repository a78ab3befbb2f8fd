"""The query has as many words as its stratum's length band allows."""

from __future__ import annotations

from stages.checks.call.context import Context, Refusal
from stages.checks.words import count
from stages.core.plan import Plan

NAME = "length"


def check(query: str, plan: Plan, context: Context) -> Refusal | None:
    """Refuses a query outside the plan's band; a plan without a band may have any length."""
    low, high = plan.band
    words = count(query)
    if high and not low <= words <= high:
        return Refusal(NAME, f"{words} words, not {low} to {high}")
    return None
