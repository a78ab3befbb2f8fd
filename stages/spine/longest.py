"""The longest conversations that a pack's phrases and values can make, for `stages.check`."""

from __future__ import annotations

import json
from collections.abc import Iterator

from stages import language
from stages.core.conversation import Message
from stages.core.pack import Pack
from stages.core.plan import Argument, Plan, PlannedCall, Turn
from stages.core.sources import Source
from stages.core.strata import BAND, FUNCTION, LOCALE, SCENARIO
from stages.generation.patterns import Patterns
from stages.planning import chatter, wording
from stages.planning.saying import sayable
from stages.planning.sources import TODAY, Item, Pool, Pools, count_of, is_in_words
from stages.spine.said import messages

# Values of a range that are looked at, sets of arguments of one function that are written out, and
# drafts of each.
LOOKED, SETS, DRAFTS = 200, 2, 12
# A word as long as people write.
WORD = "watercolor"


def longest(
    writer: Patterns, pools: Pools, function: str, locale: str, max_words: int
) -> list[Message]:
    """The longest conversation with a call of a function that was found, by its characters: the
    longest values of the most arguments that a phrase says together. max_words: of the query, 0
    for any number. [] where there is none.
    """
    pack = writer.pack
    leaves = [leaf for source in pack.sources[function] for leaf in source.leaves()]
    arguments = {leaf.slot: argument(leaf, pools, locale) for leaf in leaves}
    conversations: list[list[Message]] = []
    for slots in _sets(writer, function, locale, arguments):
        said = [leaf.slot for leaf in leaves if leaf.slot in slots or _is_silent(leaf)]
        call = PlannedCall(function, tuple(arguments[slot] for slot in said))
        for seed in range(DRAFTS):
            planned = _plan((Turn("call", (call,)),), function, locale, seed)
            query = writer.write(planned, 0, max_words).query
            if not max_words or len(query.split()) <= max_words:
                conversations.append(messages([query], planned, pack.catalogue))
    return max(conversations, key=_size, default=[])


def longest_templated(
    pack: Pack, pools: Pools, function: str, locale: str, max_words: int
) -> list[Message]:
    """About the longest conversation that templates and a model make: `max_words` words, all of
    them in what a rule derives. [] where the number is free.
    """
    query = " ".join([WORD] * max_words)
    leaves = [leaf for source in pack.sources[function] for leaf in source.leaves()]
    said = [
        Argument(leaf.slot, query, "derived")
        if leaf.kind == "derived"
        else Argument(leaf.slot, max(leaf.schema.get("enum", [""]), key=len), "user")
        if leaf.kind == "class"
        else argument(leaf, pools, locale)
        for leaf in leaves
    ]
    planned = _plan((Turn("call", (PlannedCall(function, tuple(said)),)),), function, locale, 0)
    return messages([query], planned, pack.catalogue) if query else []


def longest_chatter(pack: Pack, locale: str) -> list[Message]:
    """The longest request that no function serves, and how it is declined; [] without such."""
    requests, _ = chatter.requests(pack, locale)
    if not requests:
        return []
    planned = _plan((Turn("refuse"),), "", locale, 0)
    return messages([max(requests, key=len)], planned, pack.catalogue)


def argument(leaf: Source, pools: Pools, locale: str) -> Argument:
    """A leaf with its longest value."""
    pool = pools.pool(leaf, locale)
    if leaf.kind != "list":
        item = max(_some(pool), key=lambda one: _length(one, leaf))
        surface = _surface(item) if leaf.is_said else None
        value = item.value
        if is_in_words(leaf) and surface:
            value = language.of(locale).bare(surface)
        return Argument(
            leaf.path[0], value, "user" if leaf.is_said else "default", surface, leaf.path[1:]
        )
    inner = leaf.of or leaf
    items = sorted(_some(pool), key=lambda one: _length(one, inner), reverse=True)
    items = items[: count_of(leaf)[1]]
    surfaces = [_surface(item) or "" for item in items]
    bare = language.of(locale).bare
    values = [
        bare(surface) if is_in_words(inner) else item.value
        for item, surface in zip(items, surfaces, strict=True)
    ]
    text = wording.joined(surfaces, locale)
    return Argument(leaf.path[0], values, "user", text, leaf.path[1:])


def _some(pool: Pool) -> list[Item]:
    """The items of a list, or some of a range, its ends among them."""
    if pool.items is not None:
        return list(pool.items)
    step = max(1, (pool.size - 1) // LOOKED)
    return [pool.item(index, TODAY) for index in {*range(0, pool.size, step), pool.size - 1}]


def _surface(item: Item) -> str | None:
    return max(item.surfaces, key=len, default=None)


def _length(item: Item, leaf: Source) -> int:
    said = len(_surface(item) or "")
    return said + (said if is_in_words(leaf) else len(json.dumps(item.value, ensure_ascii=False)))


def _sets(
    writer: Patterns, function: str, locale: str, arguments: dict[str, Argument]
) -> Iterator[frozenset[str]]:
    """The longest sets of arguments that are said together, the longest first."""
    can_say, groups = sayable(writer.pack), writer.pack.exclusive
    phrases = writer.phrases.get((function, locale), [])
    every = frozenset().union(*(phrase.slots for _, phrase in phrases))
    said = frozenset(slot for slot, one in arguments.items() if one.surface is not None)
    ways = {way.may & said for _, phrase in phrases for way in phrase.ways} or {said}

    def size(slots: frozenset[str]) -> int:
        return sum(len(f"{arguments[slot].surface}{arguments[slot].value}") for slot in slots)

    sets = set()
    for way in ways:
        slots = way | (said - every)
        for group in groups.get(function, ()):
            members = {m: frozenset(s for s in slots if s == m or s.startswith(f"{m}."))
                       for m in group}  # fmt: skip
            selected = max(members, key=lambda member: (size(members[member]), member))
            slots -= frozenset().union(*(inner for m, inner in members.items() if m != selected))
        if can_say(function, locale, slots):
            sets.add(slots)
    return iter(sorted(sets, key=lambda slots: (-size(slots), sorted(slots)))[:SETS])


def _is_silent(leaf: Source) -> bool:
    """Whether a call has it without a word: a constant."""
    return leaf.kind == "constant" and (leaf.required or leaf.is_declared)


def _plan(turns: tuple[Turn, ...], function: str, locale: str, seed: int) -> Plan:
    stratum = {SCENARIO: "single", FUNCTION: function, LOCALE: locale, BAND: ""}
    return Plan("longest", "single", stratum, "", turns, "heuristic", "", 0, 1, locale, seed)


def _size(spoken: list[Message]) -> int:
    return len(json.dumps(spoken, ensure_ascii=False))
