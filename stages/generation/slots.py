"""The variables that a template sees: a request's slots, words of the domain, the lexicon."""

from __future__ import annotations

import json
import random
from typing import Any

from stages.core.domain import Domain
from stages.core.prompts import Keywords, plural

Request = dict[str, Any]


# Zipf's exponents. Words for a type are drawn more evenly than they are used: a student sees some
# types in fifty rows, and has to know each of their words.
VERBS, KINDS = 0.7, 0.3


def first_heavy(words: list[str], rng: random.Random, exponent: float) -> str:
    """One word, earlier ones likelier (Zipf's law): the lists are ordered so."""
    return rng.choices(words, [(i + 1) ** -exponent for i in range(len(words))])[0]


def variables(
    request: Request, domain: Domain, lexicon: dict[str, list[str]], rng: random.Random
) -> dict[str, Any]:
    """All variables for one rendering; drawn by `rng`, so a second call gives other words."""
    filled: dict[str, Any] = {name: rng.choice(words) for name, words in lexicon.items()}
    function = domain.function(request["function"])
    words = domain.content_types[request["content_type"]].words
    kind = first_heavy(words, rng, KINDS) if words else ""
    filled.update(
        verb=first_heavy(function.verbs, rng, VERBS),
        kind=kind,
        kinds=plural(kind) if rng.random() < 0.8 else kind,
        pick=rng.choice,
        function=request["function"],
        content_type=request["content_type"],
        min_words=request["min_words"],
        max_words=request["max_words"],
    )
    slots = json.loads(request["slots"])
    for name in ("keywords", "topics"):
        if name in slots:
            shuffled = [str(word) for word in slots[name] or []] or [str(slots["title"])]
            rng.shuffle(shuffled)
            slots[name] = Keywords(shuffled)
    return filled | slots
