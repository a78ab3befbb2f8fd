"""Queries from a pack's phrases: what the plan says, in people's words, and nothing else."""

from __future__ import annotations

import random
import re

from stages import language
from stages.core.pack import Pack
from stages.core.phrases import Phrase, Slot, parse
from stages.core.plan import Argument, Plan, PlannedCall
from stages.core.text import cleaned
from stages.core.vocabulary import PLAIN
from stages.generation import several
from stages.generation.written import Written, adjuncts
from stages.language import frames, numerals
from stages.language.identifiers import named
from stages.language.locale import Locale

# Drafts of which the one nearest to the length band is taken, and general templates' names.
TRIES = 12
BEFORE_MARK = re.compile(r"\s+([,.?!;:](?:\s|$))")
# Commas of optional parts that were left out: ", ," and one at either end.
IDLE_COMMA = re.compile(r"^\s*,\s*|\s*,\s*$|,(?=\s*[,.?!;:](?:\s|$))")
CHATTER, GENERAL, ADJUNCT = "chatter", "general", "adjunct"


class Patterns:
    """All phrases of a pack, read once."""

    def __init__(self, pack: Pack, typo_share: float = 0.0) -> None:
        self.pack, self.typo_share = pack, typo_share
        self.phrases: dict[tuple[str, str], list[tuple[str, Phrase]]] = {}
        for locale in pack.locales:
            for function, texts in pack.vocabulary(locale).phrases.items():
                phrases = [(f"{function}/{n}", parse(text)) for n, text in enumerate(texts, 1)]
                self.phrases[function, locale] = phrases

    def write(self, plan: Plan, min_words: int = 0, max_words: int = 0) -> Written:
        """The query of a plan, the same for the same seed. Of several drafts it is the first that
        has the wanted number of words, or the nearest to it; max_words 0: any number.
        """
        rng = random.Random(plan.seed)
        best: tuple[int, Written] | None = None
        for _ in range(TRIES):
            draft = self._draft(plan, rng)
            words = len(draft.query.split())
            miss = max(min_words - words, words - max_words if max_words else 0, 0)
            if best is None or miss < best[0]:
                best = miss, draft
            if not miss:
                break
        assert best is not None
        return best[1]

    def _draft(self, plan: Plan, rng: random.Random) -> Written:
        words = language.of(plan.locale)
        if plan.text is not None:
            draft = Written(plan.text, CHATTER)
        elif len(plan.calls) > 1:
            draft = several.write(
                plan.calls, lambda call: self._phrase(call, plan.locale, rng), words, rng
            )
        else:
            draft = self._phrase(plan.calls[0], plan.locale, rng)
        said = [surface for held in draft.surfaces for surface in held.values()]
        text = frames.dressed(draft.query, words, rng, said)
        if rng.random() < self.typo_share:
            text = frames.slipped(text, said, rng)
        return draft._replace(query=cleaned(text))

    def _phrase(self, call: PlannedCall, locale: str, rng: random.Random) -> Written:
        """A phrase that says what the call says."""
        said = {argument.slot: argument for argument in call.said}
        phrases = self.phrases.get((call.function, locale), [])
        fitting = [entry for entry in phrases if entry[1].says(frozenset(said))]
        rest: list[Argument] = []
        if not fitting:
            sayable = frozenset().union(*(phrase.slots for _, phrase in phrases))
            rest = [argument for slot, argument in said.items() if slot not in sayable]
            left = frozenset(said) & sayable
            fitting = [entry for entry in phrases if entry[1].says(left)]
            said = {slot: said[slot] for slot in left}
        if not fitting:
            return self._general(call, rng)
        name, phrase = rng.choice(fitting)
        surfaces = {argument.slot: argument.surface or "" for argument in rest}

        def surface(slot: Slot) -> str:
            argument = said[slot.name]
            words = self._surface(call.function, argument, slot.form, locale, rng)
            surfaces[slot.name] = words
            return words

        text = phrase.write(said, surface, rng) or ""
        spoken = language.of(locale)
        text = BEFORE_MARK.sub(r"\1", _joined(text, surfaces, spoken))
        for wording in surfaces.values():
            text = spoken.fitted(text, wording)
        values = {slot: argument.value for slot, argument in said.items()}
        text, surfaces = numerals.put(text, surfaces, values, spoken)
        text = IDLE_COMMA.sub("", text)
        if rest:
            return Written(f"{text}, {adjuncts(rest)}", f"{name}+{ADJUNCT}", (surfaces,))
        return Written(text, name, (surfaces,))

    def _surface(
        self, function: str, argument: Argument, form: str, locale: str, rng: random.Random
    ) -> str:
        """An argument's words: those of the plan, or of the form that the phrase asks for."""
        words = argument.surface or ""
        source = self.pack.by_key.get(f"{function}.{argument.slot}")
        if not form or form == PLAIN or source is None:
            return words
        names = [source.settings] if source.kind == "vocabulary" else []
        names += [source.key, source.slot, source.path[-1]]
        for name in names:
            for entry in self.pack.entries(str(name), locale):
                if entry.value == argument.value:
                    return rng.choice(entry.surfaces_of(form))
        return words

    def _general(self, call: PlannedCall, rng: random.Random) -> Written:
        """Rough words for a function without a phrase that fits: its name, or what it does."""
        function = self.pack.catalogue[call.function]
        name = named(function.name)
        sentence = function.description.split(". ")[0].rstrip(".")
        options = [name, *([sentence[0].lower() + sentence[1:]] if 0 < len(sentence) < 80 else [])]
        parts = adjuncts(list(call.said))
        surfaces = {argument.slot: argument.surface or "" for argument in call.said}
        return Written(f"{rng.choice(options)}{', ' if parts else ''}{parts}", GENERAL, (surfaces,))


def _joined(text: str, surfaces: dict[str, str], words: Locale) -> str:
    """The phrase where a preposition stands before a day's words with their own: "from on friday"
    becomes "from friday", "on friday to monday" becomes "friday to monday", also in `surfaces`.
    """
    for slot, surface in surfaces.items():
        if (joint := words.joint(surface)) == surface:
            continue
        bare = words.bare(surface)
        changes = [
            (f"{preposition} {surface}", f"{preposition} {joint}")
            for preposition in words.PREPOSITIONS
        ]
        for name, other in surfaces.items():
            if name == slot:
                continue
            changes += [(f"{surface} {to} {other}", f"{bare} {to} {other}") for to in words.RANGES]
            if words.joint(other) == other:  # "between friday and on monday"
                between = f"{other} {words.CUES.joint}"
                changes.append((f"{between} {surface}", f"{between} {bare}"))
        for old, new in changes:
            if f" {old}" in f" {text}":
                text = text.replace(old, new)
                surfaces[slot] = joint if joint in new else bare
                break
    return text
