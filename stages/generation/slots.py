"""The variables that a template sees: a plan's slots, words of the pack's frame, the lexicon."""

from __future__ import annotations

import random
from functools import cache
from itertools import accumulate
from typing import Any

from stages.core.english import plural
from stages.core.pack import Pack
from stages.core.plan import Plan
from stages.core.strata import FUNCTION
from stages.core.templates import Keywords

# Zipf's exponents. Words for a class are drawn more evenly than they are used: a student sees some
# classes in fifty rows, and has to know each of their words.
VERBS, KINDS = 0.7, 0.3


def first_heavy(words: tuple[str, ...] | list[str], rng: random.Random, exponent: float) -> str:
    """One word, earlier ones likelier (Zipf's law): the lists are ordered so."""
    return rng.choices(words, cum_weights=_summed(len(words), exponent))[0]


@cache
def _summed(n: int, exponent: float) -> tuple[float, ...]:
    """The weights of n words, each with those before it."""
    return tuple(accumulate((i + 1) ** -exponent for i in range(n)))


def variables(
    plan: Plan, pack: Pack, lexicon: dict[str, list[str]], rng: random.Random
) -> dict[str, Any]:
    """All variables for one rendering; drawn by `rng`, so a second call gives other words."""
    filled: dict[str, Any] = {name: rng.choice(words) for name, words in lexicon.items()}
    frame, function = pack.frames.get(plan.locale), plan.stratum[FUNCTION]
    verbs: tuple[str, ...] | list[str] = ()
    words: tuple[str, ...] = ()
    if frame is not None:
        verbs = frame.words.asks.get(function, ())
        words = frame.classes.get(pack.class_of(plan.calls[0]), ()) if plan.calls else ()
    kind = first_heavy(words, rng, KINDS) if words else ""
    for name, value in plan.slots.items():
        filled[name] = value
        if isinstance(value, list):
            shuffled = [str(word) for word in value]
            rng.shuffle(shuffled)
            filled[name] = Keywords(shuffled)
    filled |= {argument.slot: argument.surface for call in plan.calls for argument in call.said}
    low, high = plan.band
    return filled | {
        "verb": first_heavy(verbs, rng, VERBS) if verbs else "",
        "kind": kind,
        "kinds": plural(kind) if rng.random() < 0.8 else kind,
        "pick": rng.choice,
        "function": function,
        "locale": plan.locale,
        "min_words": low,
        "max_words": high,
        **{name: plan.stratum.get(name, "") for name in pack.dimensions},
    }
