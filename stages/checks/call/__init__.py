"""Whether the words carry the calls of their plan: one check per file, each returns a Refusal or
None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from stages.checks.call import (
    framed,
    grounding,
    leaked,
    length,
    ordered,
    pictured,
    repeated,
    said,
    texts,
)
from stages.checks.call.context import Context, Refusal
from stages.checks.derived import derived
from stages.checks.phrases import class_place
from stages.core.plan import Plan, with_derived
from stages.core.text import MAX_QUERY, is_valid

# In this order; the first that objects is counted. Cheap ones first.
CHECKS: dict[str, Callable[[str, Plan, Context], Refusal | None]] = {
    "length": length.check,
    "said": said.check,
    "ordered": ordered.check,
    "leaked": leaked.check,
    "texts": texts.check,
    "repeated": repeated.check,
    "framed": framed.check,
    "pictured": pictured.check,
    "grounding": grounding.check,
}


class Labels(NamedTuple):
    """What the words of a query give its plan. plan: with its derived values; place: where the
    query names its class, 0 to 1, None where it does not.
    """

    plan: Plan
    place: float | None


def labels(query: str, plan: Plan, context: Context) -> Labels:
    """The labels of a query that may be taken."""
    place = None
    if context.frame is not None and plan.calls:
        wanted = context.pack.class_of(plan.calls[0])
        place = class_place(query, wanted, context.frame) if wanted else None
    return Labels(with_derived(plan, derived(query, plan, context.pack)), place)


def verdict(query: str, plan: Plan, context: Context) -> Refusal | None:
    """The first objection to a query, None if it may be taken."""
    if not query.strip() or len(query) > MAX_QUERY or not is_valid(query):
        return Refusal("characters", f"{len(query)} characters, or no valid text")
    for check in CHECKS.values():
        if refusal := check(query, plan, context):
            return refusal
    return None


__all__ = ["CHECKS", "Context", "Labels", "Refusal", "labels", "verdict"]
