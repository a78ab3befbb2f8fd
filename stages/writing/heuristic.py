"""The heuristic route: a pattern, filled, until it has the wanted length; then a typist's touch."""

from __future__ import annotations

import random
import re

from jinja2 import Template as Pattern
from jinja2.sandbox import ImmutableSandboxedEnvironment

from stages.contracts.domain import Domain
from stages.contracts.prompts import Template
from stages.writing.slots import Request, variables

TRIES = 40


class Grammar:
    """Compiled patterns of all heuristic templates."""

    def __init__(
        self, templates: list[Template], domain: Domain, lexicon: dict[str, list[str]],
        environment: ImmutableSandboxedEnvironment, typo_share: float,
    ) -> None:  # fmt: skip
        self.domain, self.lexicon, self.typo_share = domain, lexicon, typo_share
        self.patterns: dict[str, list[Pattern]] = {
            t.template_id: [environment.from_string(line) for line in t.patterns]
            for t in templates
            if t.header.route == "heuristic"
        }

    def write(self, request: Request) -> str:
        """One query for a request, the same for the same seed.

        Patterns of the template are tried in random order until one gives a query of the wanted
        length; if none does, the nearest in length is returned (and the length check rejects it).
        """
        rng = random.Random(request["seed"])
        patterns = self.patterns[request["template_id"]]
        low, high = request["min_words"], request["max_words"]
        nearest, miss = "", 1_000
        for _ in range(TRIES):
            filled = variables(request, self.domain, self.lexicon, rng)
            text = tidy(rng.choice(patterns).render(filled))
            words = len(text.split())
            off = max(low - words, words - high, 0)
            if off < miss:
                nearest, miss = text, off
            if off == 0:
                break
        return touch(nearest, rng, self.typo_share)


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
    at = rng.choice(long)
    word = words[at]
    place = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        word = word[:place] + word[place + 1 :]
    elif kind == 1:
        word = word[:place] + word[place] + word[place:]
    else:
        word = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    words[at] = word
    return " ".join(words)
