"""The derived values are the user's own words, and the call with them keeps its schema."""

from __future__ import annotations

from collections import Counter

from stages.checks.call.context import Context, Refusal
from stages.checks.derived import derived
from stages.checks.words import plurals, words
from stages.core import catalogue
from stages.core.plan import Plan, with_derived

NAME = "grounding"


def check(query: str, plan: Plan, context: Context) -> Refusal | None:
    """Refuses a query of which a rule makes a value with words that it does not hold, or one that
    the function does not take.
    """
    values = derived(query, plan, context.pack)
    for (_, slot), value in values.items():
        if not words(value) or unsaid(value, query):
            return Refusal(NAME, f"{slot}: {value!r:.60} holds words that the query does not")
    if values and plan.turn.act == "call":
        for call in with_derived(plan, values).calls:
            for problem in catalogue.problems(call.call, context.pack.catalogue):
                return Refusal(NAME, f"{problem.code} {problem.argument or ''}: {problem.text:.80}")
    return None


def unsaid(value: str, query: str) -> bool:
    """Whether the query lacks a word of the value, as often; a singular is held by its plural."""
    wanted, said = Counter(words(value)), Counter(words(query))
    missing = wanted - said
    if missing:  # rarely
        left = said - wanted
        for word in missing:
            missing[word] -= left[plurals(word)[1]]
    return bool(+missing)
