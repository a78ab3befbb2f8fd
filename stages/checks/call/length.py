"""The query has as many words as its stratum's length band allows."""

from __future__ import annotations

from stages.checks.call.context import Context, Refusal
from stages.core.plan import Plan
from stages.core.strata import BAND

NAME = "length"


def check(query: str, plan: Plan, context: Context) -> Refusal | None:
    """Refuses a query outside the plan's band; a plan without a band may have any length."""
    low, _, high = plan.stratum.get(BAND, "").partition("-")
    words = len(query.split())
    if high.isdigit() and low.isdigit() and not int(low) <= words <= int(high):
        return Refusal(NAME, f"{words} words, not {low} to {high}")
    return None
