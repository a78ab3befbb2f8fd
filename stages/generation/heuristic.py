"""The heuristic route: patterns, filled, until one has the wanted shape; then a typist's touch."""

from __future__ import annotations

import random
import re

from jinja2 import Template as Pattern

from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.plan import Plan
from stages.core.prompts import failure
from stages.core.templates import Template, environment
from stages.core.text import composed
from stages.generation.slots import variables

TRIES = 24


class Grammar:
    """Compiled patterns of all heuristic templates."""

    def __init__(
        self, templates: list[Template], pack: Pack, lexicon: dict[str, list[str]],
        typo_share: float,
    ) -> None:  # fmt: skip
        self.pack, self.lexicon, self.typo_share = pack, lexicon, typo_share
        self.patterns: dict[str, list[Pattern]] = {
            t.template_id: [environment().from_string(line) for line in t.patterns]
            for t in templates
            if t.header.route == "heuristic"
        }

    def write(self, plan: Plan) -> str:
        """One query for a plan, the same for the same seed.

        Patterns of the template are filled in random order; the query whose length, and position of
        the word for the class, come nearest to the plan's aim is taken. A length outside the
        plan's band counts most (the length check would reject it).
        """
        rng = random.Random(plan.seed)
        name = plan.template_id
        if name not in self.patterns:
            raise InputError(
                f"prompts/{self.pack.name}/{name}.j2 is gone since route planned: run "
                "`dvc repro route`"
            )
        patterns = self.patterns[name]
        nearest, nearest_miss = "", (1_000, 1_000.0)
        for _ in range(TRIES):
            filled = variables(plan, self.pack, self.lexicon, rng)
            pattern = rng.choice(patterns)
            try:
                text = tidy(pattern.render(filled))
            except Exception as error:  # whatever a template's code may raise
                raise InputError(
                    f"prompts/{self.pack.name}/{name}.j2, pattern {patterns.index(pattern) + 1}, "
                    f"cannot be filled for plan {plan.plan_id}: {failure(error)}"
                ) from None
            class_names = (str(filled.get("design_type", "")), filled["kinds"], filled["kind"])
            miss = off(text, plan, class_names)
            if miss < nearest_miss:
                nearest, nearest_miss = text, miss
            if miss <= (0, 0.0):
                break
        return composed(touch(nearest, rng, self.typo_share))


def off(text: str, plan: Plan, kinds: tuple[str, ...]) -> tuple[int, float]:
    """How far a query misses its aim: (words outside the band, distance from the aims inside it).

    kinds: what the class may be called in the text, the likeliest first.
    A word too many weighs as much as a class word that is a tenth of the query off.
    """
    words = text.split()
    n = len(words)
    low, high = plan.band
    outside = max(low - n, n - high if high else 0, 0)
    distance = 0.1 * abs(n - plan.words) if plan.words else 0.0
    wanted = plan.place
    kind = next((kind for kind in kinds if kind and kind in text), None)
    if wanted is not None and n and kind is not None:
        # The last word of the class's name, as stages/checks measures it.
        last = text.count(" ", 0, text.index(kind)) + kind.count(" ")
        # Half a word on either side is as near as a whole word can be.
        distance += max(abs((last + 0.5) / n - wanted) - 0.5 / n, 0.0)
    return outside, distance


def tidy(text: str) -> str:
    """Single spaces, none before punctuation, no empty quotes."""
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"\s+([?.!])", r"\1", text)


def touch(text: str, rng: random.Random, typo_share: float) -> str:
    """Write as people do: mostly lower case, sometimes a capital, a full stop, a slip."""
    draw = rng.random()
    if draw < 0.35:
        text = text[:1].upper() + text[1:]
    elif draw < 0.40 and len(text.split()) < 5:
        text = text.title() if "'" not in text else text
    if draw < 0.15 and text[-1:].isalnum() and len(text.split()) > 3:
        text += "."
    return slip(text, rng) if rng.random() < typo_share else text


def slip(text: str, rng: random.Random) -> str:
    """One slip in one word of at least five letters: a letter dropped, doubled or swapped."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not long:
        return text
    index = rng.choice(long)
    word = words[index]
    position = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        word = word[:position] + word[position + 1 :]
    elif kind == 1:
        word = word[:position] + word[position] + word[position:]
    else:
        word = word[:position] + word[position + 1] + word[position] + word[position + 2 :]
    words[index] = word
    return " ".join(words)
