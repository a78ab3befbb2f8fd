"""Valid calls of one function, drawn value by value."""

from __future__ import annotations

import datetime
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stages import language
from stages.core import catalogue as catalogues
from stages.core.command import InputError
from stages.core.plan import Argument, PlannedCall, Provenance
from stages.core.sources import Source
from stages.planning import periods, wording
from stages.planning.presence import Presence
from stages.planning.sources import (
    Item,
    Pools,
    Stream,
    count_of,
    is_in_words,
    label,
    seed_of,
)

# Draws of one call until it keeps its schema.
TRIES = 30


@dataclass
class Calls:
    """The calls of one function in one locale; `presence` says which arguments they have. The n-th
    call depends on the seed and on what was drawn before it alone.
    """

    pools: Pools
    presence: Presence
    _streams: dict[tuple[str, str], Stream] = field(default_factory=dict)
    _members: dict[tuple[Any, ...], tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pack, self.function = self.presence.pack, self.presence.function
        self.locale, self.seed = self.presence.locale, self.presence.seed
        self.fixed = self.presence.fixed

    def draw(
        self, today: datetime.date, choices: random.Random, without: str | None = None
    ) -> PlannedCall:
        """The next call. `without`: a required argument that stays unsaid. Raises InputError if no
        draw keeps the function's schema.
        """
        objections: list[str] = []
        for _ in range(TRIES):
            call = self._draw(today, choices, without)
            found = [
                problem
                for problem in catalogues.problems(call.call, self.pack.catalogue)
                if without is None
                or problem.code != "missing_argument"
                or problem.argument != without
            ]
            if not found:
                return call
            objections = [f"{p.code} {p.argument or ''}: {p.text}" for p in found]
        raise InputError(
            f"{self.pack.folder / 'pack.yaml'}: {TRIES} calls of {self.function} in a row do not "
            f"keep its schema, the last one for {objections[0]:.300}: mend the sources of its "
            "arguments, or exclude those that do not go together"
        )

    def _draw(
        self, today: datetime.date, choices: random.Random, without: str | None
    ) -> PlannedCall:
        leaves = self.presence.draw(choices, without)
        drawn: dict[str, Item] = {}
        for leaf in _ordered(leaves):
            if leaf.kind != "list":
                drawn[leaf.slot] = self._item(leaf, drawn, leaves, today)
        self._put_in_order(leaves, drawn, today)
        arguments = []
        for leaf in leaves:
            if leaf.kind == "list":
                argument = self._several(leaf, today, choices)
            else:
                argument = self._argument(leaf, drawn[leaf.slot], choices)
            arguments.append(argument)
        return PlannedCall(self.function, tuple(arguments))

    def _put_in_order(
        self, leaves: Sequence[Source], drawn: dict[str, Item], today: datetime.date
    ) -> None:
        """What begins before what ends it, where their sources have such values."""
        for start, end in periods.pairs(leaves):
            if self.fixed.get(start.slot) or self.fixed.get(end.slot):
                continue
            if {_governor(leaf) for leaf in leaves} & {start.slot, end.slot}:
                continue
            for _ in range(TRIES):
                if drawn[start.slot].value < drawn[end.slot].value:
                    break
                is_equal = drawn[start.slot].value == drawn[end.slot].value
                if start.settings == end.settings and not is_equal:
                    drawn[start.slot], drawn[end.slot] = drawn[end.slot], drawn[start.slot]
                    break
                drawn[end.slot] = self._item(end, drawn, leaves, today)

    def _argument(self, leaf: Source, item: Item, choices: random.Random) -> Argument:
        surface = choices.choice(item.surfaces) if leaf.is_said and item.surfaces else None
        value = item.value
        if is_in_words(leaf) and surface is not None:
            value = language.of(self.locale).bare(surface)
        provenance: Provenance = "user" if leaf.is_said else "default"
        return Argument(leaf.path[0], value, provenance, surface, leaf.path[1:])

    def _several(self, leaf: Source, today: datetime.date, choices: random.Random) -> Argument:
        """A list of different items, and their surfaces in one."""
        assert leaf.of is not None
        pool = self.pools.pool(leaf, self.locale)
        low, high = count_of(leaf)
        wanted = min(choices.randint(low, high), pool.size)
        stream, indexes = self._stream(leaf, "", pool.size), list[int]()
        for _ in range(20 * wanted):
            if len(indexes) == wanted:
                break
            if (index := next(stream)) not in indexes:
                indexes.append(index)
        items = [pool.item(index, today) for index in indexes]
        surfaces = [choices.choice(item.surfaces) for item in items]
        values = [
            language.of(self.locale).bare(surface) if is_in_words(leaf.of) else item.value
            for item, surface in zip(items, surfaces, strict=True)
        ]
        text = wording.joined(surfaces, self.locale)
        return Argument(leaf.path[0], values, "user", text, leaf.path[1:])

    def _stream(self, leaf: Source, group: str, size: int) -> Stream:
        key = (leaf.slot, group)
        if key not in self._streams:
            self._streams[key] = Stream(size, seed_of(self.seed, "value", *key))
        return self._streams[key]

    def _item(
        self, leaf: Source, drawn: Mapping[str, Item], leaves: Sequence[Source],
        today: datetime.date,
    ) -> Item:  # fmt: skip
        """The next value of a leaf: the stratum's, one that agrees with what is drawn already, and
        one that those which must agree with it have a value for.
        """
        pool = self.pools.pool(leaf, self.locale)
        fixed = self.fixed.get(leaf.slot) or None
        governor = _governor(leaf)
        value = drawn[governor].value if governor is not None and governor in drawn else None
        followers = tuple(one.slot for one in leaves if _governor(one) == leaf.slot)
        if pool.items is None or (fixed is None and value is None and not followers):
            return pool.item(next(self._stream(leaf, "", pool.size)), today)
        key = (leaf.slot, fixed, label(value) if value is not None else None, followers)
        if key not in self._members:
            self._members[key] = self._matching(leaf, fixed, value, followers)
        members = self._members[key]
        if not members:
            wanted = f"the value {fixed!r:.60}" if fixed else f"{governor} {value!r:.60}"
            raise InputError(
                f"{self.pack.folder / 'vocabularies'}: no entry for {leaf.key} ({leaf.settings}) "
                f"goes with {wanted} in {self.locale}: add one, or an attribute of that value"
            )
        index = next(self._stream(leaf, str(key[1:]), len(members)))
        return pool.item(members[index], today)

    def _matching(
        self, leaf: Source, fixed: str | None, value: Any, followers: Sequence[str]
    ) -> tuple[int, ...]:
        """The indexes of the items that may be drawn."""
        items = self.pools.pool(leaf, self.locale).items or ()
        found = list(range(len(items)))
        if fixed is not None:
            found = [i for i in found if label(items[i].value) == fixed]
        governor = _governor(leaf)
        if value is not None and governor is not None:
            name = governor.rpartition(".")[2]
            found = [i for i in found if agrees(items[i], name, value)]
        for slot in followers:
            follower = self.pack.by_key[f"{self.function}.{slot}"]
            others = self.pools.pool(follower, self.locale).items or ()
            if wanted := self.fixed.get(slot):
                others = tuple(other for other in others if label(other.value) == wanted)
            name = leaf.path[-1]
            found = [i for i in found if any(agrees(o, name, items[i].value) for o in others)]
        return tuple(found)


def agrees(item: Item, attribute: str, value: Any) -> bool:
    """Whether an entry goes with a value of another argument; one without the attribute goes with
    all.
    """
    if attribute not in item.attributes:
        return True
    held = item.attributes[attribute]
    return value in held if isinstance(held, list) else value == held


def _governor(leaf: Source) -> str | None:
    """The slot of the argument that a leaf agrees with."""
    if leaf.agrees_with is None:
        return None
    return ".".join((*leaf.path[:-1], leaf.agrees_with))


def _ordered(leaves: Sequence[Source]) -> list[Source]:
    """The leaves, each after the one that it agrees with."""
    by_slot = {leaf.slot: leaf for leaf in leaves}
    found: dict[str, Source] = {}

    def add(leaf: Source, depth: int = 0) -> None:
        governor = by_slot.get(_governor(leaf) or "")
        if governor is not None and governor.slot not in found and depth < len(leaves):
            add(governor, depth + 1)
        found.setdefault(leaf.slot, leaf)

    for leaf in leaves:
        add(leaf)
    return list(found.values())
