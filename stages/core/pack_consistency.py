"""Whether a pack's files agree: an InputError where one of them names what another lacks.

Each check takes the pack and the path of the file that is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.core.command import InputError
from stages.core.pack_files import CATALOGUE, INGESTED_KINDS, SCENARIOS, VOCABULARIES
from stages.core.settings import SHOWN
from stages.core.sources import Source
from stages.core.strata import FUNCTION, LOCALE, SCENARIO

if TYPE_CHECKING:
    from stages.core.pack import Pack


def check_vocabularies(pack: Pack, path: Path) -> None:
    """InputError for a vocabulary that no locale has, and for phrases of unknown functions."""
    for source in pack.by_key.values():
        for one in (source, *([source.of] if source.of else [])):
            if one.kind in ("vocabulary", "text") and not pack.entries(one.settings, ""):
                names = sorted({n for v in pack.vocabularies.values() for n in v.lists})
                raise InputError(
                    f"{path}: arguments.{one.key}: no vocabulary is called {one.settings!r:.60}: "
                    f"write the list into {VOCABULARIES}/{pack.locales[0]}.yaml, which has "
                    f"{names[:SHOWN]}"
                )
        _check_file(pack, source, path)
        if (other := source.agrees_with) is not None:
            sibling = pack.by_key.get(".".join((source.function, *source.path[:-1], other)))
            if sibling is None:
                raise InputError(
                    f"{path}: arguments.{source.key}.agrees_with: {other!r:.60} is no argument "
                    "beside it that has a source: name one of the same function"
                )
    for locale, vocabulary in pack.vocabularies.items():
        for name in vocabulary.phrases:
            if name not in pack.catalogue.names:
                raise InputError(
                    f"{pack.folder / VOCABULARIES / locale}.yaml: phrases.{name}: {CATALOGUE} has "
                    f"no such function; it has {list(pack.catalogue.names)[:SHOWN]}"
                )


def check_names(pack: Pack) -> None:
    """InputError for words that name things which no world of the pack has."""
    entities = sorted({name for world in pack.worlds.values() for name in world.entities})
    for locale, vocabulary in pack.vocabularies.items():
        where = f"{pack.folder / VOCABULARIES / locale}.yaml"
        keys = {"references": vocabulary.references, "picks": vocabulary.picks}
        for block, given in keys.items():
            for key in given:
                name, _, column = key.rpartition(".")
                if name not in pack.world_of:
                    raise InputError(f"{where}: {block}.{key}: no world has the function {name!r}")
                gives = pack.world_of[name].functions[name].gives
                if block == "references" and column not in gives:
                    raise InputError(
                        f"{where}: references.{key}: {name}.sql gives no such thing: name one of "
                        f"{list(gives)} there, or add it under `gives`"
                    )
        for name in vocabulary.said:
            if name not in entities:
                raise InputError(
                    f"{where}: said.{name}: the worlds have no such entity; they have "
                    f"{entities[:SHOWN]}"
                )


def check_metrics(pack: Pack, path: Path) -> None:
    """InputError for a score of an argument that no function has."""
    slots = {source.slot for source in pack.by_key.values()}
    for name, of in pack.metrics.items():
        for slot in of.values():
            if slot not in slots:
                raise InputError(
                    f"{path}: metrics.{name}: {slot!r:.60} is no argument: name one of "
                    f"{sorted(slots)[:SHOWN]}"
                )


def _check_file(pack: Pack, source: Source, path: Path) -> None:
    """InputError for a source without the SQL file that its values are to come from."""
    one = source.of or source
    if one.kind not in INGESTED_KINDS:
        return
    folder, name = ("graph", "concepts*") if one.kind == "graph" else ("assets", one.column[0])
    if not any((pack.folder / folder).glob(f"{name}.sql")):
        there = sorted(file.stem for file in (pack.folder / folder).glob("*.sql"))
        raise InputError(
            f"{path}: arguments.{one.key}: {folder}/{name}.sql is missing: write it, one SELECT"
            + (f", or name one of {there[:SHOWN]}" if there and one.kind == "asset" else "")
        )


def check_population(pack: Pack, path: Path) -> None:
    """InputError where population.yaml names what the pack does not have."""
    population = pack.population
    functions = list(pack.catalogue.names)
    given: list[tuple[str, Mapping[str, Any], list[str]]] = [
        ("functions", population.functions, functions),
        ("scenarios", population.scenarios, list(SCENARIOS)),
        ("locales", population.locales, list(pack.locales)),
        ("dimensions", population.dimensions, list(pack.dimensions)),
        ("words", population.words, ["*", *functions]),
        ("bands", population.bands, ["*", *functions]),
    ]
    for key, names, allowed in given:
        for name in names:
            if name not in allowed:
                raise InputError(
                    f"{path}: {key}: {name!r:.60} is unknown; known: {allowed[:SHOWN]}"
                )
    shares = (("functions", population.functions), ("scenarios", population.scenarios),
              ("locales", population.locales), *population.dimensions.items())  # fmt: skip
    for key, numbers in shares:
        if numbers and not sum(numbers.values()):
            raise InputError(f"{path}: {key}: all shares are zero: give at least one a number")
    dimensions = [FUNCTION, SCENARIO, LOCALE, *pack.dimensions]
    for key in population.affinity:
        pair = key.split(".")
        if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(dimensions):
            raise InputError(
                f"{path}: affinity: {key!r:.60} must be two dimensions such as "
                f"function.scenario, of {dimensions}"
            )
    for name in population.bands:
        if name not in population.words and "*" not in population.words:
            raise InputError(
                f"{path}: bands.{name}: words has no quantiles for it: add words.{name}, or "
                'words."*"'
            )
