"""Tool sets: which functions a conversation shows. A few sets, each of many plans, so that training
with shared prefixes keeps its gain.
"""

from __future__ import annotations

import datetime
import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stages.core.catalogue import Catalogue, Function
from stages.core.plan import ToolSet
from stages.planning import wording
from stages.planning.sources import Stream, seed_of

# Part of a set's functions that are near to one of them, the rest is random.
NEAR_SHARE = 0.5
# They are drawn from the nearest: twice as many as needed, and at least so many.
NEAREST = 4
# Functions at least so similar may do the same: a set that lacks one should lack the other.
ALIKE = 0.6
# A plan stands in a set whose first function is its own this often, where there are both kinds: a
# shortlist shows the nearest first, and that is mostly the right one.
FIRST_SHARE = 0.6
# Where a plan's function is not shown, one that is near to it is this often, where there are both
# kinds of sets: a model should refuse what it can almost do.
TEMPTING_SHARE = 0.5
# Sets that lack some functions, where the catalogue is small enough to be shown whole.
LACKING_SETS = 8
# The days that a tool set may take for today, from the first.
FIRST_DAY, DAYS = datetime.date(2025, 1, 1), 1_096

Floats = NDArray[np.float64]


def words_of(function: Function) -> Counter[str]:
    """The words of a function's name, which count three times, and of its description."""
    counts = Counter(_tokens(function.description))
    for word in _tokens(wording.named(function.name)):
        counts[word] += 3
    return counts


def _tokens(text: str) -> list[str]:
    return [word.rstrip("s") or word for word in re.findall(r"[^\W_]{2,}", text.lower())]


def similarity(functions: Sequence[Function]) -> Floats:
    """How near the functions are by their words, 0 to 1; shape (F, F): the cosine of the words'
    counts, weighted by how few functions have them.
    """
    counted = [words_of(function) for function in functions]
    within = Counter(word for words in counted for word in words)
    index = {word: i for i, word in enumerate(within)}
    table = np.zeros((len(functions), max(len(index), 1)))
    for row, words in zip(table, counted, strict=True):
        for word, n in words.items():
            row[index[word]] = (1 + math.log(n)) * math.log(1 + len(functions) / within[word])
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    table = table / np.where(norms > 0, norms, 1)
    return np.asarray(np.clip(table @ table.T, 0, 1))


@dataclass(frozen=True)
class ToolSets:
    """All sets of a run, and which serve a function: `shows` and `lacks` name a set as often as it
    weighs.
    """

    sets: tuple[ToolSet, ...]
    shows: dict[str, tuple[int, ...]] = field(default_factory=dict)
    lacks: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def for_plan(self, function: str, shows_target: bool) -> tuple[int, ...]:
        """The sets for a plan about a function: those that show it, or those that lack it and what
        is much like it; every set for a plan without a function.
        """
        if not function:
            return tuple(range(len(self.sets)))
        return self.shows[function] if shows_target else self.lacks[function]


def tool_sets(
    catalogue: Catalogue, seed: int, *, count: int, shown: tuple[int, int],
    dated: frozenset[str] = frozenset(), today: datetime.date | None = None,
    with_lacking: bool = True, together: int = 1, groups: list[list[str]] | None = None,
) -> ToolSets:  # fmt: skip
    """The tool sets of a catalogue.

    count: how many, if the catalogue is larger than a set; more where else a function would be
    first in none. shown: functions of a set, from and to. dated: functions that want to know the
    day, which the sets with one of them name; today: which, None for one of each set. A catalogue
    of at most shown[1] functions is shown whole, and, with_lacking, for plans of a function that is
    not shown, without some of them. together: each function is in a set of so many at least.
    groups: the functions of each set, where they are drawn already.
    """
    names = [function.name for function in catalogue.functions]
    alike = similarity(catalogue.functions)
    if groups is not None:
        pass
    elif len(names) <= shown[1]:
        groups = _whole(names, seed) if with_lacking else [names]
    else:
        groups = _mixed(names, alike, seed, count, shown)
        groups += _for_lone(names, alike, groups, together)
    draw = random.Random(seed_of(seed, "today"))
    made = []
    for number, group in enumerate(groups):
        day = today or FIRST_DAY + datetime.timedelta(days=draw.randrange(DAYS))
        named = day.isoformat() if not dated.isdisjoint(group) else None
        made.append(ToolSet(f"tools-{number:04d}", tuple(group), named))
    near = {
        name: {names[j] for j in np.flatnonzero(alike[i] >= ALIKE)} | {name}
        for i, name in enumerate(names)
    }
    members = [set(group) for group in groups]
    shows = {n: _weighted(n, groups) for n in names}
    lacks = {}
    for number, name in enumerate(names):
        far = [i for i, group in enumerate(members) if not group & near[name]]
        far = far or [i for i, group in enumerate(members) if name not in group]
        lacks[name] = _tempting(far, members, names, alike[number])
    return ToolSets(tuple(made), shows, lacks)


def _for_lone(
    names: list[str], alike: Floats, groups: Sequence[Sequence[str]], together: int
) -> list[list[str]]:
    """A set of `together` functions for each that is in none of this size: the nearest to it."""
    grouped = {name for group in groups if len(group) >= together for name in group}
    order = np.argsort(-alike, axis=1, kind="stable")
    more = []
    for number, name in enumerate(names):
        if name not in grouped:
            others = [names[j] for j in order[number] if j != number]
            more.append([name, *others[: together - 1]])
            grouped.update(more[-1])
    return more


def _weighted(name: str, groups: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """The groups with a function, those that it is first of repeated after FIRST_SHARE."""
    first = [i for i, group in enumerate(groups) if group[0] == name]
    other = [i for i, group in enumerate(groups) if name in group[1:]]
    if not first or not other:
        return tuple(sorted(first + other))
    return _repeated(first, other, FIRST_SHARE)


def _tempting(
    lacking: Sequence[int], members: Sequence[set[str]], names: Sequence[str], likeness: Floats
) -> tuple[int, ...]:
    """The sets that lack a function, those that show what is nearest to it of all that they show
    repeated after TEMPTING_SHARE. likeness: of each function to it, shape (F,).
    """
    for number in np.argsort(-likeness, kind="stable"):
        if 0 < likeness[number] < ALIKE:
            tempting = [i for i in lacking if names[number] in members[i]]
            if tempting:
                other = [i for i in lacking if names[number] not in members[i]]
                return _repeated(tempting, other, TEMPTING_SHARE)
    return tuple(lacking)


def _repeated(some: list[int], other: list[int], share: float) -> tuple[int, ...]:
    """The numbers of both, the first repeated so that they are `share` of all."""
    times = share / (1 - share) * len(other) / len(some)
    return tuple(sorted(some * max(1, round(times)) + other))


def _whole(names: list[str], seed: int) -> list[list[str]]:
    """All functions, in several orders, and the same without some of them."""
    draw = random.Random(seed_of(seed, "tool sets"))
    whole = draw.sample(names, len(names))
    groups = [whole]
    if len(names) > 1:
        parts = min(LACKING_SETS, len(names))
        order = draw.sample(names, len(names))
        for number in range(parts):
            left_out = set(order[number::parts])
            groups.append([name for name in whole if name not in left_out])
    return groups


def _mixed(
    names: list[str], alike: Floats, seed: int, count: int, shown: tuple[int, int]
) -> list[list[str]]:
    """Sets of a function, such that are near to it, the nearest first, and random ones; each
    function is first in about as many, and among the random ones.
    """
    draw = random.Random(seed_of(seed, "tool sets"))
    firsts = Stream(len(names), seed_of(seed, "first functions"))
    order = Stream(len(names), seed_of(seed, "functions"))
    nearest = np.argsort(-alike, axis=1, kind="stable")
    groups = []
    postponed: list[int] = []
    for _ in range(max(count, len(names))):
        size = draw.randint(min(shown), min(max(shown), len(names) - 1))
        first = next(firsts)
        near = int(size * NEAR_SHARE)
        close = [int(j) for j in nearest[first] if j != first and alike[first, j] > 0]
        close = close[: max(2 * near, NEAREST)]
        neighbors = draw.sample(close, min(near, len(close)))
        group = [first, *sorted(neighbors, key=close.index)]
        waiting, postponed = postponed, []
        while len(group) < size:
            other = waiting.pop(0) if waiting else next(order)
            (postponed if other in group else group).append(other)
        postponed = list(dict.fromkeys([*waiting, *postponed]))
        groups.append([names[i] for i in group])
    return groups
