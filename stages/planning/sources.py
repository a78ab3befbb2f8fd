"""Argument sources: what values an argument may have, and the words for each. A function per kind.

A pool is what one source offers in one locale, numbered from 0; `Stream` says in which order it is
used, so that all of it is used before anything is used twice.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator, FormatChecker

from stages import language
from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.plan import Provenance
from stages.core.source_kinds import Integer, ListOf, Number
from stages.core.sources import ENTITY, Source, coerced
from stages.planning import wording

# There is no value of them before there are words, or a world in some state.
WITHOUT_POOL = ("derived", ENTITY)
# Values that are laid out and shuffled; of more the stream jumps evenly over all.
MAX_SHUFFLED = 20_000
GOLDEN = 0.6180339887498949
# The day of golden sets, and of conversations whose prompts name none.
TODAY = datetime.date(2026, 6, 1)


def seed_of(seed: int, *names: object) -> int:
    """A seed that belongs to what `names` name: whatever else is drawn, it stays."""
    text = json.dumps([seed, *names], default=str).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def label(value: Any) -> str:
    """A value of an argument as a dimension of the population names it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# Last words of the names of whole numbers that identify something: "card 6039", not "6,039".
IDENTIFIERS = {"id", "number", "no", "code", "pin", "zip", "year"}


@dataclass(frozen=True)
class Item:
    """A value and its surfaces; `attributes`: what `agrees_with` looks at; the content item and the
    concept that it comes from; provenance, where it is not that of its kind of source.
    """

    value: Any
    surfaces: Sequence[str]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    asset_ids: tuple[str, ...] = ()
    node_ids: tuple[str, ...] = ()
    provenance: Provenance | None = None


@dataclass(frozen=True)
class Pool:
    """What a source offers: `size` items; `item` makes one from its index and the day of today.

    items: all of them where they are a list, None for a range, whose items are made when needed.
    """

    size: int
    item: Callable[[int, datetime.date], Item]
    items: tuple[Item, ...] | None = None


class Stream:
    """Indexes below `size`, without end: a permutation, then another, of a seed's own."""

    def __init__(self, size: int, seed: int) -> None:
        self._next = self._jump(size, seed) if size > MAX_SHUFFLED else self._shuffle(size, seed)

    def __next__(self) -> int:
        return next(self._next)

    @staticmethod
    def _shuffle(size: int, seed: int) -> Iterator[int]:
        draw = random.Random(seed)
        order = list(range(size))
        last = -1
        while True:
            draw.shuffle(order)
            if size > 1 and order[0] == last:  # no value twice in a row
                order[0], order[-1] = order[-1], order[0]
            yield from order
            last = order[-1]

    @staticmethod
    def _jump(size: int, seed: int) -> Iterator[int]:
        level = random.Random(seed).random()
        while True:
            yield min(int(level * size), size - 1)
            level = (level + GOLDEN) % 1


class Pools:
    """The pools of a pack's sources, made on first use."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._pools: dict[tuple[str, str], Pool] = {}

    def pool(self, source: Source, locale: str) -> Pool:
        """The pool of a source, of a list that of its items. Raises InputError if it is empty."""
        key = (source.key, locale)
        if key not in self._pools:
            self._pools[key] = self._made(source.of or source, locale)
        return self._pools[key]

    def values(self, source: Source, locale: str) -> list[Any]:
        """All values of a source that has a list of them; [] for a range."""
        items = self.pool(source, locale).items
        return [item.value for item in items] if items is not None else []

    def _made(self, source: Source, locale: str) -> Pool:
        if source.kind not in (*KINDS, *WITHOUT_POOL):
            raise _error(self.pack, source, f"the source `{source.kind}` cannot be drawn from yet")
        if source.kind in WITHOUT_POOL:
            return listed([Item(None, ())])
        pool = KINDS[source.kind](source, self.pack, locale)
        if pool.items is None:
            _check_range(pool, source, self.pack)
            return pool
        items = tuple(
            replace(item, value=coerced(item.value, source.schema)) for item in pool.items
        )
        keeps = validity(source.schema)
        accepted = tuple(item for item in items if keeps(item.value))
        if not accepted:
            shown = ", ".join(repr(item.value)[:40] for item in items[:3]) or "none at all"
            raise _error(
                self.pack, source,
                f"no value of its source ({source.kind}) keeps its schema; it gives {shown}: "
                "mend the source or the schema",
            )  # fmt: skip
        return listed(accepted)


def _error(pack: Pack, source: Source, message: str) -> InputError:
    return InputError(f"{pack.folder / 'pack.yaml'}: arguments.{source.key}: {message}")


def _check_range(pool: Pool, source: Source, pack: Pack) -> None:
    if is_in_words(source):
        return  # any text: the check of the whole call sees it
    for index in (0, pool.size - 1):
        item = pool.item(index, TODAY)
        if not is_valid(item.value, source.schema):
            raise _error(
                pack, source,
                f"its source ({source.kind}) gives {item.value!r:.60}, which its schema refuses: "
                "mend the source, or use `as: words` for a text",
            )  # fmt: skip


def validity(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether a value keeps a schema, as far as that shows without the schemas it refers to."""
    own = {key: part for key, part in schema.items() if key != "$ref"}
    validator = Draft202012Validator(own, format_checker=FormatChecker())

    def keeps(value: Any) -> bool:
        try:
            return bool(validator.is_valid(value))
        except Exception:  # a reference within it: the check of the whole call follows it
            return True

    return keeps


def is_valid(value: Any, schema: Mapping[str, Any]) -> bool:
    """`validity` of one value."""
    return validity(schema)(value)


def listed(items: Sequence[Item]) -> Pool:
    """A pool of a list."""
    stored = tuple(items)
    return Pool(len(stored), lambda index, today: stored[index], stored)


def named(source: Source, pack: Pack, locale: str) -> dict[str, Sequence[str]]:
    """The surfaces that a vocabulary named like the argument gives to its values: the value as
    JSON -> surfaces.
    """
    for name in (source.key, source.slot, source.path[-1]):
        if entries := pack.vocabulary(locale).lists.get(name):
            return {json.dumps(entry.value): entry.surfaces for entry in entries}
    return {}


def _enum(source: Source, pack: Pack, locale: str) -> Pool:
    values = source.schema.get("enum", ()) if source.settings is True else source.settings
    if not values:
        raise _error(pack, source, "`enum: true`, but its schema has no enum: list the values")
    return _listed_values(values, source, pack, locale)


def _listed_values(values: Sequence[Any], source: Source, pack: Pack, locale: str) -> Pool:
    """Values of a schema with the surfaces of a vocabulary, or with what the values look like."""
    words, spoken = named(source, pack, locale), language.of(locale)
    rough = wording.booleans(source.path[-1], locale)
    items = []
    for value in values:
        surfaces = words.get(json.dumps(value))
        if not surfaces and isinstance(value, bool):
            surfaces = rough[value]
        elif not surfaces and isinstance(value, int):
            surfaces = spoken.integer(value)
        if value is not None:
            items.append(Item(value, surfaces or (wording.plain(value),)))
    return listed(items)


def _vocabulary(source: Source, pack: Pack, locale: str) -> Pool:
    entries = pack.entries(source.settings, locale)
    return listed([Item(entry.value, entry.surfaces, entry.attributes) for entry in entries])


def _text(source: Source, pack: Pack, locale: str) -> Pool:
    """Free text is said as it is: a surface that differs from the value is another value."""
    entries = pack.entries(source.settings, locale)
    return listed([Item(str(e.value), (str(e.value),), e.attributes) for e in entries])


def _ingested(source: Source, pack: Pack, locale: str) -> Pool:
    """What a content item or a concept gives, in the words of a vocabulary or in its own."""
    words = named(source, pack, locale)
    is_enum = "enum" in source.schema
    items = []
    for offer in pack.offers(source, locale):
        surfaces = words.get(json.dumps(offer.value)) or _own_words(
            offer.value, source, locale, is_enum
        )
        items.append(Item(offer.value, surfaces, offer.attributes, offer.asset_ids, offer.node_ids))
    return listed(items)


def _own_words(value: Any, source: Source, locale: str, is_enum: bool) -> Sequence[str]:
    """How a value of no vocabulary is said; a text as it stands, unless it is an identifier."""
    spoken = language.of(locale)
    if isinstance(value, bool):
        return wording.booleans(source.path[-1], locale)[value]
    if isinstance(value, int):
        return spoken.integer(value)
    if isinstance(value, float):
        return spoken.integer(int(value)) if value.is_integer() else spoken.number(value)
    if isinstance(value, list):
        words = [_own_words(one, source, locale, is_enum)[0] for one in value]
        return (wording.joined(words, locale),)
    return (wording.plain(value) if is_enum else " ".join(str(value).split()),)


def _examples(source: Source, pack: Pack, locale: str) -> Pool:
    return _listed_values(source.schema.get("examples", ()), source, pack, locale)


def _boolean(source: Source, pack: Pack, locale: str) -> Pool:
    words = named(source, pack, locale)
    by_value: dict[bool, Sequence[str]] = {
        json.loads(key): surfaces for key, surfaces in words.items() if key in ("true", "false")
    }
    if not by_value:
        by_value = dict(source.settings or wording.booleans(source.path[-1], locale))
    return listed([Item(value, tuple(surfaces)) for value, surfaces in by_value.items()])


def _constant(source: Source, pack: Pack, locale: str) -> Pool:
    return listed([Item(source.settings, ())])


def _class(source: Source, pack: Pack, locale: str) -> Pool:
    values = source.schema.get("enum", ()) if source.settings is True else source.settings
    return listed([Item(value, ()) for value in values])


def _integer(source: Source, pack: Pack, locale: str) -> Pool:
    words = language.of(locale)
    settings: Integer = source.settings
    size = (settings.max - settings.min) // settings.step + 1
    is_identifier = wording.named(source.path[-1]).split(" ")[-1] in IDENTIFIERS

    def item(index: int, today: datetime.date) -> Item:
        value = settings.min + index * settings.step
        # The digits of an identifier are neither grouped nor a word.
        surfaces = [str(value)] if is_identifier else words.integer(value)
        return Item(coerced(value, source.schema), surfaces)

    return Pool(size, item)


def _grid(settings: Number) -> Callable[[int], float]:
    """index -> value, without what floats add to a sum of steps."""
    digits = max(0, -int(np.floor(np.log10(settings.step))) + 2)
    return lambda index: round(settings.min + index * settings.step, digits)


def _number(source: Source, pack: Pack, locale: str) -> Pool:
    words = language.of(locale)
    settings: Number = source.settings
    value_of = _grid(settings)

    def item(index: int, today: datetime.date) -> Item:
        value = value_of(index)
        value = int(value) if float(value).is_integer() else value
        return Item(coerced(value, source.schema), words.number(value))

    return Pool(int((settings.max - settings.min) / settings.step + 1e-9) + 1, item)


def _money(source: Source, pack: Pack, locale: str) -> Pool:
    words = language.of(locale)
    settings = source.settings
    value_of = _grid(settings)

    def item(index: int, today: datetime.date) -> Item:
        value = value_of(index)
        value = int(value) if float(value).is_integer() else value
        return Item(coerced(value, source.schema), words.money(value, settings.currency))

    return Pool(int((settings.max - settings.min) / settings.step + 1e-9) + 1, item)


def _date(source: Source, pack: Pack, locale: str) -> Pool:
    words = language.of(locale)
    low, high = source.settings.days
    date = words.day_words if is_in_words(source) else words.date

    def item(index: int, today: datetime.date) -> Item:
        day = today + datetime.timedelta(days=low + index)
        return Item(day.isoformat(), date(day, today))

    return Pool(high - low + 1, item)


def _time(source: Source, pack: Pack, locale: str) -> Pool:
    words = language.of(locale)
    settings = source.settings
    first, last = (int(t[:2]) * 60 + int(t[3:]) for t in (settings.from_, settings.to))
    time = words.time_words if is_in_words(source) else words.time
    # Of JSON Schema's format `time` seconds and a zone are part, though few schemas mean it.
    ends = ("", ":00", ":00Z")
    end = next((e for e in ends if is_valid(f"12:00{e}", source.schema)), "")

    def item(index: int, today: datetime.date) -> Item:
        hour, minute = divmod(first + index * settings.step, 60)
        clock = datetime.time(hour, minute)
        return Item(f"{clock:%H:%M}{end}", time(clock))

    return Pool((last - first) // settings.step + 1, item)


def count_of(source: Source) -> tuple[int, int]:
    """How many items a list may have, from and to, within what its schema allows."""
    settings = source.settings
    low, high = settings.count if isinstance(settings, ListOf) else settings
    low = max(low, int(source.schema.get("minItems", 0)), 1)
    return low, max(min(high, int(source.schema.get("maxItems", high))), low)


KINDS: dict[str, Callable[[Source, Pack, str], Pool]] = {
    "enum": _enum,
    "vocabulary": _vocabulary,
    "text": _text,
    "examples": _examples,
    "boolean": _boolean,
    "constant": _constant,
    "class": _class,
    "derived": _constant,
    "asset": _ingested,
    "graph": _ingested,
    "integer": _integer,
    "number": _number,
    "money": _money,
    "date": _date,
    "time": _time,
}


def is_in_words(source: Source) -> bool:
    """Whether the value is what is said, as for a date of which the function takes the words."""
    return source.kind in ("date", "time") and source.settings.as_ == "words"
