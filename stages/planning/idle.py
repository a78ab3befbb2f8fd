"""What stands in a pack's vocabularies and is never used, or is too little to teach anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from stages.core.pack import Pack
from stages.core.pack_files import INGESTED_KINDS, PACK, VOCABULARIES
from stages.core.phrases import Way, parse
from stages.core.sources import Source
from stages.planning import scenarios
from stages.planning.scenarios import missing_argument
from stages.planning.sources import Pools

# Kinds of sources whose values somebody lists.
LISTED = ("vocabulary", "text", *INGESTED_KINDS)


def notes(pack: Pack, pools: Pools, locale: str) -> Iterator[str]:
    """One text for each of them. pools: the pack's, all of whose sources give values."""
    where = f"{pack.folder / VOCABULARIES / locale}.yaml"
    for function, phrases in pack.vocabulary(locale).phrases.items():
        for number, reason in idle(pack, function, phrases):
            yield f"{where}: phrases.{function}.{number}: is never used: {reason}"
    yield from _single(pack, pools, locale, where)
    yield from _unnamed(pack, locale, where)
    yield from _strange(pack, locale, where)


def idle(pack: Pack, function: str, phrases: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The phrases that no planned call has the arguments for: their numbers, from 0, and why."""
    leaves = [leaf for source in pack.sources[function] for leaf in source.leaves()]
    spoken = {leaf.slot: leaf for leaf in leaves if leaf.is_said}
    parsed = [parse(phrase) for phrase in phrases]
    every = frozenset().union(*(one.slots for one in parsed)) & spoken.keys()
    lacking = {".".join(lack.path) for lack in pack.lacking if lack.function == function}
    left_out = [""]
    shares = pack.population.scenarios
    if not shares or scenarios.asks(shares):
        left_out += missing_argument.candidates(pack, function)
    for number, one in enumerate(parsed):
        if not one.ways or one.slots - spoken.keys() - lacking:
            continue  # a slot that stands twice, or has another name, is an error of its own
        reasons = [
            _objection(pack, function, spoken, every, way, missing)
            for missing in left_out
            for way in one.ways
        ]
        if all(reasons):
            yield number, min(reasons[: len(one.ways)], key=len)


def _objection(
    pack: Pack, function: str, spoken: dict[str, Source], every: frozenset[str], way: Way,
    missing: str,
) -> str:  # fmt: skip
    """Why no planned call without the argument `missing` ("" for a whole one) is said by a way
    through a phrase; "" if one is.
    """
    for slot in sorted(way.must):
        if slot not in spoken:
            return f"{{{slot}}} has no source: name one in {PACK}"
        if _is_never(pack, spoken[slot]):
            return f"{{{slot}}} has the share 0 in {PACK}: raise it, or remove the phrase"
    for group in pack.exclusive.get(function, ()):
        both = sorted(m for m in group if any(_is_below(slot, m) for slot in way.must))
        if len(both) > 1:
            return f"it says {' and '.join(both)}, which are `exclusive` in {PACK}: leave one out"
    if missing and any(_is_below(slot, missing) for slot in way.must):
        return f"it says {missing}"
    needed = {slot for slot, leaf in spoken.items() if _is_needed(pack, leaf, way.must)} & every
    rest = sorted(s for s in needed - way.may if not (missing and _is_below(s, missing)))
    if not rest:
        return ""
    return f"it leaves out {', '.join(rest)}, required" + (
        "" if missing else ": a query may lack one required argument at most"
    )


def _is_needed(pack: Pack, leaf: Source, said: frozenset[str]) -> bool:
    """Whether every call has it that says these slots: each object around it is required, or is
    there for another of its properties.
    """
    for length in range(1, len(leaf.path) + 1):
        slot = ".".join(leaf.path[:length])
        is_there = any(_is_below(one, slot) for one in said)
        if not is_there and not pack.by_key[f"{leaf.function}.{slot}"].required:
            return False
    return True


def _is_never(pack: Pack, leaf: Source) -> bool:
    """Whether its share, or that of an object around it, is 0."""
    around = (pack.by_key[".".join((leaf.function, *leaf.path[:n]))]
              for n in range(1, len(leaf.path) + 1))  # fmt: skip
    return any(not one.required and not one.share for one in around)


def _is_below(slot: str, other: str) -> bool:
    return slot == other or slot.startswith(f"{other}.")


def _single(pack: Pack, pools: Pools, locale: str, where: str) -> Iterator[str]:
    """Sources of one value: who has learned it knows nothing of others."""
    by_name: dict[str, list[str]] = {}
    for leaf in _leaves(pack):
        one = leaf.of or leaf
        items = pools.pool(leaf, locale).items
        if one.kind in LISTED and items is not None and len(items) == 1:
            name = str(one.settings) if isinstance(one.settings, str) else one.kind
            by_name.setdefault(f"{name}: {items[0].value!r:.60}", []).append(leaf.key)
    for name, keys in by_name.items():
        yield (
            f"{where}: {name} is the only value of {', '.join(keys)}: list some dozens, or take "
            f"`constant` in {PACK} if nobody says it"
        )


def _unnamed(pack: Pack, locale: str, where: str) -> Iterator[str]:
    """Lists that no argument draws from and none is named like."""
    used = set()
    for source in pack.by_key.values():
        used |= {source.key, source.slot, source.path[-1]}
        used |= {one.settings for one in (source, source.of) if one and one.kind in LISTED[:2]}
    for name in pack.vocabulary(locale).lists:
        if name not in used:
            yield (
                f"{where}: {name}: no argument uses this list: name it in {PACK}, such as "
                f"{{vocabulary: {name}}}, or call it like the argument whose words it has"
            )


def _strange(pack: Pack, locale: str, where: str) -> Iterator[str]:
    """Words for values that none of the enums and booleans which they are for has."""
    lists = pack.vocabulary(locale).lists
    allowed: dict[str, set[str]] = {}
    keys: dict[str, list[str]] = {}
    for leaf in _leaves(pack):
        one = leaf.of or leaf
        name = next((n for n in (leaf.key, leaf.slot, leaf.path[-1]) if n in lists), None)
        if name is None or one.kind not in ("enum", "boolean"):
            continue
        values = [True, False] if one.kind == "boolean" else one.settings
        values = one.schema.get("enum", ()) if values is True else values
        allowed.setdefault(name, set()).update(map(json.dumps, values))
        keys.setdefault(name, []).append(leaf.key)
    for name, members in allowed.items():
        for entry in lists[name]:
            if json.dumps(entry.value) not in members:
                yield (
                    f"{where}: {name}: {entry.value!r:.60} is no value of {', '.join(keys[name])}, "
                    f"so its words are never said: it may be {', '.join(sorted(members)):.200}"
                )


def _leaves(pack: Pack) -> Iterator[Source]:
    for sources in pack.sources.values():
        for source in sources:
            yield from source.leaves()
