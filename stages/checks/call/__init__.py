"""Whether the words carry the calls of their plan: one check a file, each a Refusal or None."""

from __future__ import annotations

from collections.abc import Callable

from stages.checks.call import leaked, length, repeated, said, texts
from stages.checks.call.context import Context, Refusal
from stages.core.plan import Plan
from stages.core.text import MAX_QUERY, is_valid

# In this order; the first that objects is counted. Cheap ones first.
CHECKS: dict[str, Callable[[str, Plan, Context], Refusal | None]] = {
    "length": length.check,
    "said": said.check,
    "leaked": leaked.check,
    "texts": texts.check,
    "repeated": repeated.check,
}


def verdict(query: str, plan: Plan, context: Context) -> Refusal | None:
    """The first objection to a query, None if it may be taken."""
    if not query.strip() or len(query) > MAX_QUERY or not is_valid(query):
        return Refusal("characters", f"{len(query)} characters, or no valid text")
    for check in CHECKS.values():
        if refusal := check(query, plan, context):
            return refusal
    return None


__all__ = ["CHECKS", "Context", "Refusal", "verdict"]
