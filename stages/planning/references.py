"""How a user names, inside a request, a thing that a function would give: "the latest order of
ann@x.com". Phrases of a pack's `references`, with three kinds of slots: arguments of the function,
columns of the row that is meant, and {pick}, a word for which of several rows it is.
"""

from __future__ import annotations

import datetime
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from stages import language
from stages.core.pack import Pack
from stages.core.phrases import Phrase, parse

PICK = "pick"
DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Reference:
    """A phrase and what it says: arguments of the function, columns, and whether it picks."""

    phrase: Phrase
    arguments: frozenset[str]
    columns: frozenset[str]
    has_pick: bool

    @property
    def slots(self) -> frozenset[str]:
        return self.arguments | self.columns | ({PICK} if self.has_pick else set())


class Meant(NamedTuple):
    """The row that is meant, and the words of the columns and of the pick that tell it."""

    row: Mapping[str, Any]
    words: Mapping[str, str]


def references(pack: Pack, function: str, column: str, locale: str) -> list[Reference]:
    """The ways to name what a function gives in a column, of those that say all the arguments which
    the function requires.
    """
    sources = pack.sources[function]
    own = {leaf.slot for source in sources for leaf in source.leaves()}
    required = {s.slot for s in sources if s.required and s.is_said and s.kind != "object"}
    made = {}
    for text in pack.vocabulary(locale).references.get(f"{function}.{column}", ()):
        phrase = parse(text)
        for slots in {one for way in phrase.ways for one in (way.must, way.may)}:
            arguments = slots & own
            if phrase.says(slots) and required <= arguments:
                made[text, slots] = Reference(
                    phrase, frozenset(arguments), slots - own - {PICK}, PICK in slots
                )
    return [made[key] for key in sorted(made, key=lambda key: (key[0], sorted(key[1])))]


def meant(
    reference: Reference, rows: Sequence[Mapping[str, Any]],
    picks: Mapping[str, Mapping[str, Sequence[str]]], locale: str, today: datetime.date,
    rng: random.Random,
) -> list[Meant]:  # fmt: skip
    """The rows that a reference can mean, in random order: those that its columns tell from all
    others, and of these, where it picks, the one with the largest or smallest value of a column.
    Where it says neither there must be one row.

    picks: column -> `largest` or `smallest` -> words.
    """
    if reference.columns:
        keys = [tuple(row.get(name) for name in sorted(reference.columns)) for row in rows]
        own = [n for n, key in enumerate(keys) if None not in key and keys.count(key) == 1]
        if reference.has_pick:
            return []
        order = rng.sample(own, len(own))
        return [
            Meant(rows[n], {c: said(rows[n][c], locale, today) for c in reference.columns})
            for n in order
        ]
    if reference.has_pick:
        made = []
        for column, words in picks.items():
            values = [row.get(column) for row in rows]
            if len(rows) < 2 or any(value is None for value in values):
                continue
            for end, best in (("largest", max), ("smallest", min)):
                value = best(values)  # type: ignore[type-var]
                if words.get(end) and values.count(value) == 1:
                    made.append(Meant(rows[values.index(value)], {PICK: rng.choice(words[end])}))
        rng.shuffle(made)
        return made
    return [Meant(rows[0], {})] if len(rows) == 1 else []


def said(value: Any, locale: str, today: datetime.date) -> str:
    """A value of a column as a user says it."""
    words = language.of(locale)
    if isinstance(value, str) and DAY.fullmatch(value):
        day = datetime.date.fromisoformat(value)
        return words.bare(words.date(day, today)[0])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return words.number(value)[0]
    return str(value)
