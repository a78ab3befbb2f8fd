"""A query without the words of its arguments, for checks of what the writer added."""

from __future__ import annotations

from stages.checks.call.context import Context
from stages.checks.call.places import places
from stages.core.plan import Plan


def masked(query: str, plan: Plan, context: Context) -> str:
    """The query with a letter group of its own, never a word, in place of each argument's words: a
    telephone number that is an argument is no leak, a band called "The The" no stutter.
    """
    spans = sorted({span for place in places(query, plan, context) for span in place.spans})
    made, end = [], 0
    for number, span in enumerate(spans):
        made += [query[end : span.start], f"zq{chr(97 + number % 26)}v"]
        end = span.end
    return "".join([*made, query[end:]])
