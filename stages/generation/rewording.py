"""The route text for plans without a template: a model rewords what a pattern says.

The plan and the pattern's sentence are there before the model is asked; it finds other words for
the sentence, shown how by pairs that the pack's own phrases make. Whether its words still carry the
plan is for the checks.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from babel import Locale

from stages.core.pack import PROMPTS
from stages.core.plan import Plan
from stages.core.templates import environment
from stages.engines import Messages
from stages.generation.patterns import Patterns
from stages.generation.written import Written

PROMPT = PROMPTS / "agents" / "reword.j2"
# Pairs that a prompt shows, and how often a second phrase is looked for that differs.
PAIRS, TRIES = 4, 6
# Other plans that are tried for a pair.
MOST = 50


class Asked(NamedTuple):
    """A request for other words. sentence: the pattern's; messages: the chat that asks for it."""

    sentence: Written
    messages: Messages


class Rewording:
    """Prompts for the plans of a pack. `plans`: of all, those that examples are made of."""

    def __init__(self, patterns: Patterns, plans: Sequence[Plan]) -> None:
        self.patterns = patterns
        self.template = environment().from_string(PROMPT.read_text("utf-8"))
        self.by_function: dict[tuple[str, str], list[Plan]] = defaultdict(list)
        for plan in plans:
            if plan.turn.calls:
                self.by_function[plan.turn.calls[0].function, plan.locale].append(plan)
                self.by_function["", plan.locale].append(plan)

    def ask(self, plan: Plan, min_words: int, max_words: int) -> Asked:
        """The pattern's sentence of a plan and the chat that asks to reword it; the same for the
        same plan.
        """
        sentence = self.patterns.write(plan, min_words, max_words)
        language = Locale.parse(plan.locale, sep="-").get_language_name("en") or plan.locale
        messages: Messages = [
            {"role": "system", "content": self.template.render(locale=language).strip()}
        ]
        for first, second in self.pairs(plan):
            messages += [
                {"role": "user", "content": first},
                {"role": "assistant", "content": second},
            ]
        messages.append({"role": "user", "content": sentence.query})
        return Asked(sentence, messages)

    def pairs(self, plan: Plan) -> list[tuple[str, str]]:
        """Two phrases each of up to PAIRS other plans of the function, of any for chit-chat."""
        rng = random.Random(plan.seed)
        function = plan.turn.calls[0].function if plan.turn.calls else ""
        others = [o for o in self.by_function[function, plan.locale] if o.plan_id != plan.plan_id]
        pairs = []
        for other in rng.sample(others, min(len(others), MOST)):
            first = self.patterns.write(other)
            for n in range(1, TRIES):
                second = self.patterns.write(replace(other, seed=other.seed + n))
                if second.template_id != first.template_id:
                    pairs.append((first.query, second.query))
                    break
            if len(pairs) == PAIRS:
                break
        return pairs
