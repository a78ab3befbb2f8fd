"""What is wrong with a pack, as `python -m stages.check` says it: all at once, each with its file.

What `core.pack.load` refuses is an error before; here is what only planning can see.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.pack_files import INGESTED_KINDS, PACK, VOCABULARIES
from stages.core.phrases import Part, Slot, parse
from stages.core.sources import Source
from stages.planning import chatter, idle, scenarios
from stages.planning.calls import key_of
from stages.planning.plans import Settings, plans
from stages.planning.presence import Presence
from stages.planning.saying import sayable
from stages.planning.scenarios import missing_argument
from stages.planning.sources import Item, Pools

# Rows that are planned for a trial, and phrases that a function should have.
TRIAL_ROWS, ENOUGH_PHRASES = 200, 8


def pack_problems(pack: Pack, pools: Pools | None = None) -> list[str]:
    """What must be corrected before the pack can be planned or makes sense. Takes about a second.

    pools: the pack's, where they are made already.
    """
    pools = pools or Pools(pack)
    problems = [
        f"{pack.folder / PACK}: {lack.key} is required and has no source: name one under "
        "`arguments`, such as {vocabulary: NAME}"
        for lack in pack.lacking
        if lack.required
    ]
    empty = list(_empty(pack, pools))
    problems += empty
    problems += _phrases(pack)
    if not empty:
        problems += [one.text for one in _agreements(pack, pools) if one.is_wrong]
    if not problems:
        try:
            plans(pack, Settings(TRIAL_ROWS, reserve=1.0), 0, pools=pools)
        except InputError as error:
            problems.append(str(error))
    return problems


def pack_notes(
    pack: Pack, pools: Pools | None = None, templated: frozenset[str] = frozenset()
) -> list[str]:
    """What makes the dataset poorer, though it can be made. pools: as above; templated: functions
    that need no phrases.
    """
    notes = [
        f"{pack.folder / PACK}: {lack.key} is optional and has no source: it is never said"
        for lack in pack.lacking
        if not lack.required
    ]
    for locale in pack.locales:
        path = _path(pack, locale)
        phrases = pack.vocabulary(locale).phrases
        for function in pack.catalogue.names:
            n = len(phrases.get(function, ()))
            if function in templated:
                continue
            if not n:
                notes.append(
                    f"{path}: phrases.{function}: none: rough ones are made from its name and "
                    f"description; write at least {ENOUGH_PHRASES}"
                )
                continue
            if n < ENOUGH_PHRASES:
                notes.append(
                    f"{path}: phrases.{function}: {n} of at least {ENOUGH_PHRASES} that make "
                    "queries varied"
                )
            said = frozenset().union(*(parse(text).slots for text in phrases[function]))
            for source in pack.sources.get(function, ()):
                unsaid = [leaf.slot for leaf in source.leaves() if leaf.is_said]
                if rest := [slot for slot in unsaid if slot not in said]:
                    need = "which is required" if source.required else "optional"
                    share = "each" if source.required else f"{source.share:.0%}"
                    notes.append(
                        f"{path}: phrases.{function}: none says {', '.join(rest)}, {need}: {share} "
                        'of its queries gets a rough "with NAME VALUE": write phrases with it'
                    )
        notes += _forms(pack, locale)
        notes += _always_said(pack, locale)
        notes += chatter.requests(pack, locale)[1]
    pools = pools or Pools(pack)
    if not list(_empty(pack, pools)):
        for locale in pack.locales:
            notes += idle.notes(pack, pools, locale)
        notes += [one.text for one in _agreements(pack, pools) if not one.is_wrong]
    return notes


def _path(pack: Pack, locale: str) -> str:
    return str(pack.folder / VOCABULARIES / f"{locale}.yaml")


def _leaves(pack: Pack) -> Iterator[Source]:
    for sources in pack.sources.values():
        for source in sources:
            yield from source.leaves()


def _empty(pack: Pack, pools: Pools) -> Iterator[str]:
    """Sources whose values the schema refuses, each once."""
    reported: set[str] = set()
    for leaf in _leaves(pack):
        for locale in pack.locales:
            try:
                pools.pool(leaf, locale)
            except InputError as error:
                if str(error) not in reported:
                    reported.add(str(error))
                    yield str(error)


def _phrases(pack: Pack) -> Iterator[str]:
    """Phrases that name what the function does not have, or that together cannot say all that is
    required.
    """
    for locale in pack.locales:
        for function, phrases in pack.vocabulary(locale).phrases.items():
            where = f"{_path(pack, locale)}: phrases.{function}"
            leaves = [leaf for source in pack.sources[function] for leaf in source.leaves()]
            spoken = {leaf.slot for leaf in leaves if leaf.is_said}
            open_ = [".".join(lack.path) for lack in pack.lacking if lack.function == function]
            required = {leaf.slot for leaf in leaves if leaf.is_said and _is_needed(pack, leaf)}
            parsed = [parse(phrase) for phrase in phrases]
            every = frozenset().union(*(one.slots for one in parsed))
            for number, one in enumerate(parsed):
                for slot in sorted(one.slots - spoken):
                    if any(f"{slot}.".startswith(f"{held}.") for held in open_):
                        continue  # an open argument, or a property of one
                    yield (
                        f"{where}.{number}: {{{slot}}} is no argument that is said: "
                        f"{function} has {sorted(spoken)}"
                    )
            yield from (
                f"{where}.{number}: it says an argument twice: {one.text!r:.60}"
                for number, one in enumerate(parsed)
                if not one.ways
            )
            can = any(required & every <= way.may for one in parsed for way in one.ways)
            if not can and function not in pack.blocked and required:
                yield (
                    f"{where}: none says all that is required ({', '.join(sorted(required))}): "
                    "write one that does"
                )


def _forms(pack: Pack, locale: str) -> Iterator[str]:
    """Phrases that ask for a form which no entry of the argument's vocabulary has."""
    for function, phrases in pack.vocabulary(locale).phrases.items():
        slots = {slot for text in phrases for slot in _slots(parse(text).part) if slot.form}
        for name, form in sorted(slots):
            source = pack.by_key.get(f"{function}.{name}")
            if source is None or source.kind != "vocabulary":
                continue
            entries = pack.entries(source.settings, locale)
            lacking = [entry.value for entry in entries if form not in entry.forms]
            if lacking:
                yield (
                    f"{_path(pack, locale)}: {source.settings}: {len(lacking)} of {len(entries)} "
                    f"entries, such as {lacking[0]!r:.60}, have no form `{form}`, which phrases of "
                    f"{function} ask for: the plain one is taken"
                )


def _always_said(pack: Pack, locale: str) -> Iterator[str]:
    """Required arguments that no phrase leaves out: nobody learns to ask for them."""
    can_say = sayable(pack)
    for function in pack.vocabulary(locale).phrases:
        presence = Presence(pack, function, locale, 0, can_say)
        required = missing_argument.candidates(pack, function)
        rest = [slot for slot in required if not presence.can_leave_out(slot)]
        shares = pack.population.scenarios
        if rest and (not shares or scenarios.asks(shares)):
            yield (
                f"{_path(pack, locale)}: phrases.{function}: none leaves out {', '.join(rest)} "
                "alone: write such, for requests where the model must ask back for it"
            )


def _slots(part: Part) -> Iterator[Slot]:
    for one in part:
        if isinstance(one, Slot):
            yield one
        elif not isinstance(one, str):
            for option in one.options:
                yield from _slots(option)


def _is_needed(pack: Pack, leaf: Source) -> bool:
    """Whether every call has it: required in its object, and so on upwards."""
    return all(
        pack.by_key[".".join((leaf.function, *leaf.path[:n]))].required
        for n in range(1, len(leaf.path) + 1)
    )


class Odd(NamedTuple):
    """Values with which none agrees; `is_wrong` where that must be corrected."""

    text: str
    is_wrong: bool


def _agreements(pack: Pack, pools: Pools) -> Iterator[Odd]:
    """Values of an argument with which no value of the governing argument agrees. In a vocabulary
    that is a slip; ingested data may hold more than the pack uses, so it is wrong only of all rows.
    """
    for leaf in _leaves(pack):
        if leaf.agrees_with is None:
            continue
        governor = pack.by_key[".".join((leaf.function, *leaf.path[:-1], leaf.agrees_with))]
        for locale in pack.locales:
            governing = pools.pool(governor, locale).items or ()
            items = pools.pool(leaf, locale).items or ()
            if not items or not governing:
                continue
            keys = {key_of(other.value) for other in governing}
            odd = [item.value for item in items if _is_odd(item, leaf.agrees_with, keys)]
            one = leaf.of or leaf
            where, name = _path(pack, locale), one.settings
            if one.kind in INGESTED_KINDS:
                name = "the walk" if one.kind == "graph" else one.settings
                file = "graph" if one.kind == "graph" else f"assets/{one.column[0]}.sql"
                where = str(pack.folder / file)
            if odd:
                yield Odd(
                    f"{where}: {name}: {len(odd)} of {len(items)} entries, such as "
                    f"{odd[0]!r:.60}, have a `{leaf.agrees_with}` that is no value of "
                    f"{governor.key}: correct it, or add the value",
                    one.kind not in INGESTED_KINDS or len(odd) == len(items),
                )


def _is_odd(item: Item, attribute: str, keys: set[Any]) -> bool:
    """Whether an entry goes with none of these values."""
    if attribute not in item.attributes:
        return False
    allowed = item.attributes[attribute]
    return keys.isdisjoint(map(key_of, allowed if isinstance(allowed, list) else [allowed]))
