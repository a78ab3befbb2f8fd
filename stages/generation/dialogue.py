"""What the user says in a conversation: a query, and what follows it, such as the answer to a
question of the assistant's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from stages import language
from stages.core.pack import Pack
from stages.core.plan import Argument, Plan, user_turns
from stages.core.text import cleaned
from stages.generation.patterns import Patterns
from stages.generation.written import Written, adjuncts
from stages.language import frames
from stages.language.identifiers import named
from stages.language.locale import Locale

# Share of the answers that name the argument, where the locale has words for that.
NAMED = 0.2
REPLY = "reply"


def write(plan: Plan, patterns: Patterns, min_words: int = 0, max_words: int = 0) -> list[Written]:
    """Each message of the user, the same for the same seed. min_words, max_words: of the query in
    a conversation of one turn.
    """
    if len(plan.turns) == 1:
        return [patterns.write(plan, min_words, max_words)]
    written = []
    for number, (own, asked) in enumerate(user_turns(plan)):
        seeded = replace(own, seed=plan.seed + number)
        written.append(
            patterns.write(seeded)
            if asked is None
            else reply(seeded, patterns.pack, patterns.typo_share)
        )
    return written


def template_of(said: Sequence[Written]) -> str:
    """The phrases that the user's messages are of, as a candidate names them."""
    return " | ".join(one.template_id for one in said)


def reply(plan: Plan, pack: Pack, typo_share: float = 0.0) -> Written:
    """The answer to a question: the values that the plan's call says, in few words."""
    rng, words, call = random.Random(plan.seed), language.of(plan.locale), plan.calls[0]
    said = call.said
    surfaces = {one.slot: one.surface or "" for one in said}
    if len(said) == 1:
        kind = pack.by_key[f"{call.function}.{said[0].slot}"].kind
        text = _alone(said[0], kind, words, rng)
    else:
        text = _together(said, rng)
    spoken = list(surfaces.values())
    if rng.random() < frames.CAPITAL:
        text = text[0].upper() + text[1:]
    if rng.random() < typo_share:
        text = frames.slipped(text, spoken, rng)
    return Written(cleaned(text), REPLY, (surfaces,))


def _alone(one: Argument, kind: str, words: Locale, rng: random.Random) -> str:
    """One value in a sentence that fits its kind."""
    name, surface, patterns = (
        named(one.path[-1] if one.path else one.name),
        one.surface or "",
        words.REPLIES,
    )
    own = {"date": patterns.days, "time": patterns.times}.get(kind, ())
    if kind == "integer" and name.endswith("s") and not name.endswith("ss"):
        own = patterns.counts
    options = own or patterns.any
    is_word = name not in words.CUES.small and not isinstance(one.value, bool | list)
    if patterns.named and is_word and rng.random() < NAMED:
        options = patterns.named
    elif own == patterns.counts and rng.random() < 0.5:
        options = patterns.any
    pattern = rng.choice(options)
    if kind == "date" and not pattern.startswith("{value}"):
        surface = words.bare(surface)
    return words.fitted(pattern.format(value=surface, name=name), surface)


def _together(said: Sequence[Argument], rng: random.Random) -> str:
    """The values of an object's properties: alone, where all are texts, or with their names."""
    if all(isinstance(one.value, str) for one in said) and rng.random() < 0.5:
        return ", ".join(one.surface or "" for one in said)
    return adjuncts([replace(one, name=one.path[-1], path=()) for one in said])
