"""Which arguments a call has: required ones, optional ones by their share, one of each exclusive
group, as many as a query of the stratum's length can say, and a set that some phrase says.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stages.core.pack import Pack
from stages.core.sources import Source
from stages.planning.sources import seed_of

# (function, locale, slots said) -> whether a phrase says just these.
Sayable = Callable[[str, str, frozenset[str]], bool]
# Words of a query that say no argument; words that say one argument, at least and at most. Rough.
BESIDE, SHORT, LONG = 2, 2.0, 10.0


@dataclass
class Presence:
    """Draws the arguments of the calls of one function. fixed: slot -> the value's label that the
    stratum asks for, "" for not said; words: lengths of the stratum's queries, from and to, (0, 0)
    where it has none.
    """

    pack: Pack
    function: str
    locale: str
    seed: int
    sayable: Sayable
    fixed: Mapping[str, str] = field(default_factory=dict)
    words: tuple[int, int] = (0, 0)
    _shares: dict[str, random.Random] = field(default_factory=dict)

    @property
    def sources(self) -> Sequence[Source]:
        """The sources of the function's arguments."""
        return self.pack.sources[self.function]

    def draw(
        self, choices: random.Random, without: str | None = None, later: str | None = None
    ) -> list[Source]:
        """The leaves that the next call has, in the schema's order. `without`: an argument that
        stays unsaid; `later`: one that is said apart, so that a phrase need not say it.
        """
        top = [source for source in self.sources if source.slot not in (without, later)]
        leaves = self._exclusive(self._lengthened(self._drawn(top), top, choices), choices)
        leaves = self._said(self._shortened(leaves, choices), choices)
        if later is None:
            return leaves
        leaves += self._drawn(source for source in self.sources if source.slot == later)
        return [leaf for one in self.sources for leaf in one.leaves() if leaf in leaves]

    def _exclusive(self, leaves: list[Source], choices: random.Random) -> list[Source]:
        """One of each exclusive group: what is bound, else at random."""
        for group in self.pack.exclusive.get(self.function, ()):
            members = [leaf for leaf in leaves if _within(leaf.slot, group)]
            slots = sorted({_within(leaf.slot, group) or "" for leaf in members})
            if len(slots) > 1:
                bound = [s for s in slots if self._is_bound(s)]
                selected = bound[0] if bound else choices.choice(slots)
                leaves = [
                    leaf for leaf in leaves if _within(leaf.slot, group) in (None, selected)
                ]  # fmt: skip
        return leaves

    def _lengthened(
        self, leaves: list[Source], top: Sequence[Source], choices: random.Random
    ) -> list[Source]:
        """More optional arguments, where these cannot fill the stratum's shortest query."""
        minimum = math.ceil((self.words[0] - BESIDE) / LONG)
        said = [leaf for leaf in leaves if leaf.is_said]
        if len(said) >= minimum:
            return leaves
        more = [
            leaf
            for source in top
            for leaf in source.leaves()
            if leaf not in leaves and leaf.is_said and len(leaf.path) == 1
            if self.fixed.get(leaf.slot, "free") and leaf.share > 0
        ]
        choices.shuffle(more)
        added = more[: minimum - len(said)]
        order = [leaf for source in top for leaf in source.leaves()]
        return [leaf for leaf in order if leaf in leaves or leaf in added]

    def _shortened(self, leaves: list[Source], choices: random.Random) -> list[Source]:
        """Fewer optional arguments, where the stratum's longest query cannot say all."""
        if not self.words[1]:
            return leaves
        limit = max(1, math.floor((self.words[1] - BESIDE) / SHORT))
        said = [leaf for leaf in leaves if leaf.is_said]
        units = self._units(said, choices)
        while len(said) > limit and units:
            unit = units.pop()
            said, leaves = _without(said, [unit]), _without(leaves, [unit])
        return leaves

    def _units(self, said: Sequence[Source], choices: random.Random) -> list[str]:
        """The slots that can be left out, in random order."""
        units = sorted({unit for leaf in said if (unit := self._unit(leaf)) is not None})
        choices.shuffle(units)
        return units

    def _is_bound(self, slot: str) -> bool:
        """Whether a slot must stay: required, or asked for by the stratum."""
        source = self.pack.by_key[f"{self.function}.{slot}"]
        return source.required or bool(self.fixed.get(slot))

    def _drawn(self, sources: Iterable[Source]) -> list[Source]:
        leaves: list[Source] = []
        for source in sources:
            if not self._is_drawn(source):
                continue
            if source.kind != "object":
                leaves.append(source)
                continue
            inner = self._drawn(source.properties)
            # An object must hold something: the first of its properties, where none was drawn.
            leaves += inner or self._first(source)
        return leaves

    def _first(self, source: Source) -> list[Source]:
        """The leaves of an object's first property."""
        first = source.properties[0]
        return [first] if first.kind != "object" else self._drawn([first]) or self._first(first)

    def _is_drawn(self, source: Source) -> bool:
        if source.slot not in self._shares:
            self._shares[source.slot] = random.Random(seed_of(self.seed, "share", source.slot))
        level = self._shares[source.slot].random()
        if source.slot in self.fixed and (self.fixed[source.slot] or not source.required):
            return bool(self.fixed[source.slot])
        if any(value and _is_below(slot, source.slot) for slot, value in self.fixed.items()):
            return True
        if source.required:
            return True
        if source.kind == "constant":
            return source.is_declared
        return level < source.share

    def _said(self, leaves: list[Source], choices: random.Random) -> list[Source]:
        """`leaves`, or the largest part of them with all that is required which a phrase can say;
        where there is none, `leaves`: general adjuncts say the rest.
        """
        said = [leaf for leaf in leaves if leaf.is_said]
        if self._can_say(said):
            return leaves
        dropped: list[str] = []
        for unit in self._units(said, choices):
            dropped.append(unit)
            if self._can_say(_without(said, dropped)):
                for back in list(dropped):  # bring back what needed not go
                    fewer = [one for one in dropped if one != back]
                    if self._can_say(_without(said, fewer)):
                        dropped = fewer
                return _without(leaves, dropped)
        return leaves

    def _unit(self, leaf: Source) -> str | None:
        """The slot that can be left out to leave this leaf out: its own, or that of the object
        which it is required in; None if it must stay.
        """
        for length in range(len(leaf.path), 0, -1):
            slot = ".".join(leaf.path[:length])
            if any(value and _is_below(name, slot) for name, value in self.fixed.items()):
                return None
            if not self.pack.by_key[f"{self.function}.{slot}"].required:
                return slot
        return None

    def can_leave_out(self, slot: str) -> bool:
        """Whether a phrase says all that is required but one argument."""
        required = [one for one in self.sources if one.required and one.slot != slot]
        leaves = [leaf for one in required for leaf in one.leaves() if leaf.is_said]
        return self._can_say(leaf for leaf in leaves if self._unit(leaf) is None)

    def _can_say(self, leaves: Iterable[Source]) -> bool:
        return self.sayable(self.function, self.locale, frozenset(leaf.slot for leaf in leaves))


def _is_below(slot: str, other: str) -> bool:
    """Whether a slot is another one or a property of it."""
    return slot == other or slot.startswith(f"{other}.")


def _without(leaves: Iterable[Source], slots: Sequence[str]) -> list[Source]:
    return [leaf for leaf in leaves if not any(_is_below(leaf.slot, slot) for slot in slots)]


def _within(slot: str, group: frozenset[str]) -> str | None:
    """The member of an exclusive group that a slot is, or is a property of."""
    return next((member for member in group if _is_below(slot, member)), None)
