"""Valid calls of one function, drawn value by value."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stages import language
from stages.core import catalogue as catalogues
from stages.core.command import InputError
from stages.core.pack_files import VOCABULARIES
from stages.core.plan import Argument, PlannedCall, Provenance
from stages.core.sources import ENTITY, Source
from stages.planning import periods, wording
from stages.planning.presence import Presence
from stages.planning.rows import governor, rows_of, together
from stages.planning.sources import (
    Item,
    Pools,
    Stream,
    count_of,
    is_in_words,
    label,
    seed_of,
)

# Of the kinds of sources whose values users do not say.
PROVENANCES: Mapping[str, Provenance] = {"constant": "default", "derived": "derived"}
# How often a list of numbers is typed as one, "3, 5, 8", and of these in brackets.
TYPED_SHARE, BRACKETS_SHARE = 0.5, 0.5
# Draws of one call until it keeps its schema.
TRIES = 30
# What a world has for an argument that names one of its things, with the values that are drawn
# already by slot; None if it has nothing that will do.
Bind = Callable[[Source, Mapping[str, Item]], "Item | None"]


class Unbound(Exception):
    """No call can be drawn now: the world has nothing for one of its arguments."""


@dataclass
class Calls:
    """The calls of one function in one locale; `presence` says which arguments they have. The n-th
    call depends on the seed and on what was drawn before it alone.
    """

    pools: Pools
    presence: Presence
    _streams: dict[tuple[str, str], Stream] = field(default_factory=dict)
    _members: dict[tuple[Any, ...], tuple[int, ...]] = field(default_factory=dict)
    _items: dict[tuple[Any, ...], list[tuple[tuple[int, ...], ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pack, self.function = self.presence.pack, self.presence.function
        self.locale, self.seed = self.presence.locale, self.presence.seed
        self.fixed = self.presence.fixed
        sources = self.pack.sources[self.function]
        self.rows = rows_of(leaf for source in sources for leaf in source.leaves())

    def draw(
        self, today: datetime.date, choices: random.Random, without: str | None = None,
        later: str | None = None, bind: Bind | None = None, slots: frozenset[str] | None = None,
    ) -> PlannedCall:  # fmt: skip
        """The next call. `without`: a required argument that stays unsaid; `later`: one that is
        said apart from the others; bind: where its things of a world come from; slots: the
        arguments that it has, by default drawn too. Raises InputError if no draw keeps the
        function's schema, Unbound.
        """
        objections: list[str] = []
        derived = {s.path[0] for s in self.pack.sources[self.function] if s.kind == "derived"}
        for _ in range(TRIES):
            call = self._draw(today, choices, without, later, bind, slots)
            problems = [
                problem
                for problem in catalogues.problems(call.call, self.pack.catalogue)
                if problem.argument not in derived
                and (problem.code != "missing_argument" or problem.argument != (without or ""))
            ]
            if not problems:
                return call
            objections = [f"{p.code} {p.argument or ''}: {p.text}" for p in problems]
        raise InputError(
            f"{self.pack.folder / 'pack.yaml'}: {TRIES} calls of {self.function} in a row do not "
            f"keep its schema, the last one for {objections[0]:.300}: mend the sources of its "
            "arguments, or exclude those that do not go together"
        )

    def _draw(
        self, today: datetime.date, choices: random.Random, without: str | None, later: str | None,
        bind: Bind | None, slots: frozenset[str] | None,
    ) -> PlannedCall:  # fmt: skip
        if slots is None:
            leaves = self.presence.draw(choices, without, later)
        else:
            leaves = [one for s in self.presence.sources for one in s.leaves() if one.slot in slots]
        drawn: dict[str, Item] = {}
        for unit in together(leaves, self.rows):
            if unit[0].kind == ENTITY:
                item = bind(unit[0], drawn) if bind is not None else None
                if item is None:
                    raise Unbound(unit[0].key)
                drawn[unit[0].slot] = item
            elif len(unit) > 1:
                drawn |= self._row(unit, drawn, leaves, today, choices)
            elif unit[0].kind != "list":
                drawn[unit[0].slot] = self._item(unit[0], drawn, leaves, today)
        self._put_in_order(leaves, drawn, today)
        arguments = []
        for leaf in leaves:
            if leaf.kind == "list":
                argument = self._several(leaf, drawn, today, choices)
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
            if {governor(leaf) for leaf in leaves} & {start.slot, end.slot}:
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
        provenance = item.provenance or PROVENANCES.get(leaf.kind, "user")
        return Argument(
            leaf.path[0], value, provenance, surface, leaf.path[1:], item.asset_ids, item.node_ids
        )

    def _several(
        self, leaf: Source, drawn: Mapping[str, Item], today: datetime.date, choices: random.Random
    ) -> Argument:
        """A list of different items that agree with what is drawn, and their surfaces in one."""
        assert leaf.of is not None
        pool = self.pools.pool(leaf, self.locale)
        low, high = count_of(leaf)
        members, group = self._open(leaf, drawn, ())
        size = pool.size if members is None else len(members)
        count = min(choices.randint(low, high), size)
        stream, items = self._stream(leaf, group, size), dict[str, Item]()
        for _ in range(20 * count):
            if len(items) == count:
                break
            index = next(stream)
            item = pool.item(index if members is None else members[index], today)
            items.setdefault(json.dumps(item.value), item)
        surfaces = [choices.choice(item.surfaces) for item in items.values()]
        values: list[Any] = [
            language.of(self.locale).bare(surface) if is_in_words(leaf.of) else item.value
            for item, surface in zip(items.values(), surfaces, strict=True)
        ]
        text = wording.joined(surfaces, self.locale)
        if leaf.of.kind in ("integer", "number") and choices.random() < TYPED_SHARE:
            text = wording.typed(values, choices.random() < BRACKETS_SHARE)
        assets = dict.fromkeys(one for item in items.values() for one in item.asset_ids)
        nodes = dict.fromkeys(one for item in items.values() for one in item.node_ids)
        return Argument(
            leaf.path[0], values, "user", text, leaf.path[1:], tuple(assets), tuple(nodes)
        )

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
        members, group = self._open(leaf, drawn, leaves)
        size = pool.size if members is None else len(members)
        stream, taken = self._stream(leaf, group, size), self._taken(leaf, drawn)
        for _ in range(min(size, TRIES)):
            index = next(stream)
            item = pool.item(index if members is None else members[index], today)
            if taken.isdisjoint(_marks(leaf, item)):
                break
        return item

    def _taken(self, leaf: Source, drawn: Mapping[str, Item]) -> frozenset[str]:
        """What the call's other arguments have of that from which the leaf is drawn, as `_marks`
        has it: the entries of its vocabulary, the content items of other rows. From where is not to
        where.
        """
        if leaf.kind == "vocabulary":
            sources = {slot: self.pack.by_key[f"{self.function}.{slot}"] for slot in drawn}
            return frozenset(
                mark
                for slot, one in sources.items()
                if (one.kind, one.settings) == (leaf.kind, leaf.settings)
                for mark in _marks(one, drawn[slot])
            )
        if leaf.kind != "asset":
            return frozenset()
        own = self.rows[leaf.slot]
        others = (item for slot, item in drawn.items() if self.rows.get(slot, own) != own)
        return frozenset(one for item in others for one in item.asset_ids)

    def _row(
        self, unit: Sequence[Source], drawn: Mapping[str, Item], leaves: Sequence[Source],
        today: datetime.date, choices: random.Random,
    ) -> dict[str, Item]:  # fmt: skip
        """The values of arguments that one content item gives: the next item that has one for each
        of them which the stratum, and what they agree with, allow.
        """
        opened = [self._open(leaf, drawn, leaves, unit) for leaf in unit]
        key = tuple((leaf.slot, group) for leaf, (_, group) in zip(unit, opened, strict=True))
        pools = [self.pools.pool(leaf, self.locale) for leaf in unit]
        if key not in self._items:
            maps: list[dict[str, list[int]]] = []
            for pool, (members, _) in zip(pools, opened, strict=True):
                by_asset: dict[str, list[int]] = {}
                for index in range(pool.size) if members is None else members:
                    by_asset.setdefault(pool.item(index, today).asset_ids[0], []).append(index)
                maps.append(by_asset)
            self._items[key] = [
                tuple(tuple(one[asset]) for one in maps)
                for asset in maps[0]
                if all(asset in one for one in maps)
            ]
        rows = self._items[key]
        if not rows:
            slots = ", ".join(leaf.slot for leaf in unit)
            raise InputError(
                f"{self.pack.folder}/assets/{unit[0].column[0]}.sql: no row has a value for each "
                f"of {slots} of {self.function} that goes with the rest of a call: add such rows, "
                "or exclude these arguments"
            )
        stream, taken = self._stream(unit[0], str(key), len(rows)), self._taken(unit[0], drawn)
        for _ in range(min(len(rows), TRIES)):
            row = rows[next(stream)]
            if taken.isdisjoint(pools[0].item(row[0][0], today).asset_ids):
                break
        return {
            leaf.slot: pool.item(choices.choice(indexes), today)
            for leaf, pool, indexes in zip(unit, pools, row, strict=True)
        }

    def _open(
        self, leaf: Source, drawn: Mapping[str, Item], leaves: Sequence[Source],
        beside: Sequence[Source] = (),
    ) -> tuple[tuple[int, ...] | None, str]:  # fmt: skip
        """The indexes of a leaf's items that may be drawn, None for all, and the name of this
        choice. beside: leaves of the same row, which agree with it anyway. Raises InputError if
        there is none.
        """
        fixed = self.fixed.get(leaf.slot) or None
        own, ruler = {one.slot for one in beside}, governor(leaf)
        above = drawn.get(ruler) if ruler is not None and ruler not in own else None
        value = None if above is None else above.value
        followers = tuple(one for one in _below(leaf.slot, leaves) if one not in own)
        pool = self.pools.pool(leaf, self.locale)
        if pool.items is None or (fixed is None and value is None and not followers):
            return None, ""
        key = (leaf.slot, fixed, label(value) if value is not None else None, followers)
        if key not in self._members:
            self._members[key] = self._matching(leaf, fixed, value, followers)
        if not self._members[key]:
            condition = f"the value {fixed!r:.60}" if fixed else f"{ruler} {value!r:.60}"
            raise InputError(
                f"{self._folder(leaf)}: no entry for {leaf.key} ({_named(leaf)}) "
                f"goes with {condition} in {self.locale}: add one, or an attribute of that value"
            )
        return self._members[key], str(key[1:])

    def _folder(self, leaf: Source) -> str:
        """The folder that holds the values of a leaf."""
        kind = (leaf.of or leaf).kind
        return str(self.pack.folder / {"asset": "assets", "graph": "graph"}.get(kind, VOCABULARIES))

    def _matching(
        self, leaf: Source, fixed: str | None, value: Any, followers: Sequence[str]
    ) -> tuple[int, ...]:
        """The indexes of the items that may be drawn. followers: slots of what must agree with the
        leaf, and of what must agree with these, in any order.
        """
        items = self.pools.pool(leaf, self.locale).items or ()
        matches = list(range(len(items)))
        if fixed is not None:
            matches = [i for i in matches if label(items[i].value) == fixed]
        ruler = governor(leaf)
        if value is not None and ruler is not None:
            name = ruler.rpartition(".")[2]
            matches = [i for i in matches if agrees(items[i], name, value)]
        for slot in followers:
            follower = self.pack.by_key[f"{self.function}.{slot}"]
            if governor(follower) != leaf.slot:
                continue
            others = self.pools.pool(follower, self.locale).items
            if others is None:
                continue  # a range agrees with everything
            rest = [one for one in followers if one != slot]
            fit = self._matching(follower, self.fixed.get(slot) or None, None, rest)
            accepted = partners([others[i] for i in fit], leaf.path[-1])
            matches = [i for i in matches if accepted is None or key_of(items[i].value) in accepted]
        return tuple(matches)


def _marks(leaf: Source, item: Item) -> tuple[str, ...]:
    """By what an item of a leaf is known again in another argument."""
    return (label(item.value),) if leaf.kind == "vocabulary" else item.asset_ids


def _below(slot: str, leaves: Sequence[Source]) -> list[str]:
    """The slots of what must agree with a leaf, and after them of what must agree with these."""
    slots: list[str] = []
    here = [slot]
    while here:
        here = [one.slot for one in leaves if governor(one) in here and one.slot not in slots]
        slots += here
    return [one for one in slots if one != slot]


def _named(leaf: Source) -> str:
    """What a leaf's values are called, in an error."""
    one = leaf.of or leaf
    return str(one.settings) if isinstance(one.settings, str) else one.kind


def agrees(item: Item, attribute: str, value: Any) -> bool:
    """Whether an entry goes with a value of another argument; one without the attribute goes with
    all.
    """
    if attribute not in item.attributes:
        return True
    allowed = item.attributes[attribute]
    return value in allowed if isinstance(allowed, list) else value == allowed


def partners(items: Iterable[Item], attribute: str) -> frozenset[Any] | None:
    """The values, as `key_of` has them, that some of these entries go with; None for all values.
    That `agrees` says the same of each pair is a test.
    """
    values: set[Any] = set()
    for item in items:
        if attribute not in item.attributes:
            return None
        allowed = item.attributes[attribute]
        values.update(map(key_of, allowed if isinstance(allowed, list) else [allowed]))
    return frozenset(values)


def key_of(value: Any) -> Any:
    """A value as a member of a set: a list by its JSON."""
    return label(value) if isinstance(value, list | dict) else value
