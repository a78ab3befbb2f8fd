"""Derived arguments: values that a rule computes from the words of the query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from stages.checks.subprompt import extract
from stages.core.frame import Frame
from stages.core.pack import Pack
from stages.core.plan import Plan

# Name of a rule in pack.yaml -> the rule: (query, function, class or "", frame) -> value.
RULES: Mapping[str, Callable[[str, str, str, Frame], str]] = {
    "reduced": lru_cache(4_096)(extract),
}


def derived(query: str, plan: Plan, pack: Pack) -> dict[tuple[str, str], str]:
    """The values of a plan's derived arguments, by function and slot; {} for a plan without any."""
    values = {}
    for call in plan.calls:
        for argument in call.arguments:
            if argument.provenance == "derived":
                source = pack.by_key[f"{call.function}.{argument.slot}"]
                values[call.function, argument.slot] = RULES[source.settings](
                    query, call.function, pack.class_of(call), pack.frames[plan.locale]
                )
    return values
