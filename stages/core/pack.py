"""A pack: catalogue.json, pack.yaml, population.yaml and vocabularies/<locale>.yaml, checked.

`load` reads them all; whatever is wrong is one InputError with the file, the key and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stages.core import catalogue as catalogues
from stages.core import ingested as tables
from stages.core import links
from stages.core import vocabulary as vocabularies
from stages.core.catalogue import Catalogue
from stages.core.command import InputError
from stages.core.frame import Frame, FrameWords
from stages.core.ingested import Ingested, Offer
from stages.core.pack_files import PackFile, PopulationFile, Walk
from stages.core.plan import PlannedCall
from stages.core.settings import told
from stages.core.source_kinds import SourceEntry
from stages.core.sources import Lacking, Source, coerced, resolve, split_key
from stages.core.strata import BAND, FUNCTION, LOCALE, SCENARIO
from stages.core.text import composed, each
from stages.core.vocabulary import Entry, Vocabulary
from stages.core.yaml import read, text_of

PACK, POPULATION, CATALOGUE = "pack.yaml", "population.yaml", "catalogue.json"
VOCABULARIES, GOLDEN = "vocabularies", "golden.jsonl"
# Sources of arguments whose values are ingested, and where the stages keep them.
INGESTED_KINDS, INGESTED = ("asset", "graph"), Path("data/ingested")
# Folders of templates, one a pack, and those beside them that are none.
PROMPTS, NO_TEMPLATES = Path(__file__).parents[2] / "prompts", ("system", "agents")
SCENARIOS = ("single", "no_call", "missing_argument", "missing_function")
# Shares of the scenarios where population.yaml does not tell.
DEFAULT_SCENARIOS = {
    "single": 0.8, "no_call": 0.06, "missing_argument": 0.07, "missing_function": 0.07,
}  # fmt: skip


@dataclass(frozen=True)
class Pack:
    """A checked pack. sources: function -> the sources of its arguments in the schema's order
    (`Source`); lacking: arguments that have none; exclusive: function -> groups of slots of which
    at most one stands in a call; dimensions: name -> function -> slot; vocabularies: by locale;
    frames: locale -> what frames a request, for packs with sources of the kinds `class` or
    `derived`; walks: name -> way through the graph, for templates; acyclic: relations without a
    circle; ingested: what the sources `asset` and `graph` draw from, None where it was not read.
    """

    folder: Path
    name: str
    description: str
    locales: tuple[str, ...]
    catalogue: Catalogue
    sources: Mapping[str, tuple[Source, ...]]
    lacking: tuple[Lacking, ...]
    exclusive: Mapping[str, tuple[frozenset[str], ...]]
    dimensions: Mapping[str, Mapping[str, str]]
    vocabularies: Mapping[str, Vocabulary]
    population: PopulationFile
    metrics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    frames: Mapping[str, Frame] = field(default_factory=dict)
    walks: Mapping[str, Walk] = field(default_factory=dict)
    acyclic: tuple[str, ...] = ()
    ingested: Ingested | None = field(default=None, compare=False)

    @cached_property
    def by_key(self) -> dict[str, Source]:
        """FUNCTION.ARGUMENT[.PROPERTY] -> its source, objects and their properties alike."""
        found: dict[str, Source] = {}

        def add(source: Source) -> None:
            found[source.key] = source
            for one in source.properties:
                add(one)

        for held in self.sources.values():
            for source in held:
                add(source)
        return found

    @property
    def asked(self) -> tuple[list[str], bool]:
        """The SQL files of assets that arguments or templates draw from, by name, and whether any
        walks through the graph.
        """
        if self.templates is not None:
            return sorted(sql.stem for sql in self.folder.glob("assets/*.sql")), True
        kinds = [one.of or one for one in self.by_key.values()]
        names = {one.column[0] for one in kinds if one.kind == "asset"}
        return sorted(names), any(one.kind == "graph" for one in kinds)

    @property
    def templates(self) -> Path | None:
        """The folder of its templates, prompts/NAME; None where there is none."""
        if not re.fullmatch(r"[\w-]+", self.name) or self.name in NO_TEMPLATES:
            return None
        folder = PROMPTS / self.name
        return folder if folder.is_dir() else None

    def of_kind(self, function: str, kind: str) -> Source | None:
        """The first source of a function of the kind `class` or `derived`; None if it has none."""
        return next((one for one in self.sources.get(function, ()) if one.kind == kind), None)

    def class_of(self, call: PlannedCall) -> str:
        """The class that a call asks for, "" where its function has none."""
        source = self.of_kind(call.function, "class")
        return next((str(a.value) for a in call.arguments if source and a.slot == source.slot), "")

    def offers(self, source: Source, locale: str) -> list[Offer]:
        """What the ingested tables hold for a source of the kind asset or graph. Raises InputError,
        also where they were not read.
        """
        if self.ingested is None:
            raise InputError(f"{self.folder}: its assets and graph were not read: run `dvc repro`")
        locales = list(dict.fromkeys((locale, *self.locales)))
        governor = source.agrees_with
        try:
            if source.kind == "graph":
                found = self.ingested.walk(source.settings, locales, governor)
                return [
                    offer._replace(value=coerced(offer.value, source.schema)) for offer in found
                ]
            name, column = source.column
            other = self.by_key.get(".".join((source.function, *source.path[:-1], governor or "")))
            # Of the same file it is a value of the same row.
            same = other is not None and other.kind == "asset" and other.column[0] == name
            whole = source.schema.get("type") == "array"
            beside = None if same else governor
            found = self.ingested.column(name, column, locales, whole, beside)
            return [offer._replace(value=coerced(offer.value, source.schema)) for offer in found]
        except InputError as error:
            raise InputError(f"{self.folder / PACK}: arguments.{source.key}: {error}") from None

    @property
    def golden(self) -> Path:
        """Its golden set."""
        return self.folder / GOLDEN

    def vocabulary(self, locale: str) -> Vocabulary:
        """The words of a locale; none where the pack has no file for it."""
        return self.vocabularies.get(locale) or Vocabulary(locale)

    def entries(self, name: str, locale: str) -> tuple[Entry, ...]:
        """A vocabulary's entries in a locale, or, where it does not have the list, those of the
        pack's first locale that does: names of people are the same everywhere. () if unknown.
        """
        for one in (locale, *self.locales):
            if found := self.vocabulary(one).lists.get(name):
                return found
        return ()


def folder_of(pack: str | Path) -> Path:
    """A pack's folder. Raises InputError if there is none."""
    if not Path(pack).is_dir():
        raise InputError(f"pack {pack} is no folder: set `pack` in params.yaml")
    return Path(pack)


def load(folder: str | Path) -> Pack:
    """Read and check a pack. Raises InputError."""
    folder = folder_of(folder)
    for name in (CATALOGUE, PACK):
        if not (folder / name).exists():
            raise InputError(
                f"{folder / name} is missing: `python -m stages.new NAME --from tools.json` writes "
                "the skeleton of a pack"
            )
    catalogue = catalogues.load(links.check(folder / CATALOGUE, folder))
    path = folder / PACK
    file = _model(PackFile, path, folder)
    population = PopulationFile()
    if (folder / POPULATION).exists():
        population = _model(PopulationFile, folder / POPULATION, folder)
    entries = _entries(file, catalogue, path)
    sources, lacking = resolve(catalogue, entries)
    pack = Pack(
        folder, file.name, file.description, tuple(file.locales), catalogue, sources,
        tuple(lacking), _exclusive(file, catalogue, path), _dimensions(file, catalogue, path),
        {
            locale: vocabularies.load(folder / VOCABULARIES / f"{locale}.yaml", folder, locale)
            for locale in file.locales
        },
        population, file.metrics, walks=file.walks, acyclic=tuple(file.acyclic),
    )  # fmt: skip
    _check_vocabularies(pack, path)
    _check_metrics(pack, path)
    pack = replace(pack, frames=_frames(pack, path))
    _check_population(pack, folder / POPULATION)
    return pack


def with_population(pack: Pack, path: Path) -> Pack:
    """The pack with another file's population. Raises InputError."""
    changed = replace(pack, population=_model(PopulationFile, path, pack.folder))
    _check_population(changed, path)
    return changed


def load_ingested(folder: str | Path, ingested: Path = INGESTED) -> Pack:
    """`load`, with the ingested tables that the pack's arguments draw from. Raises InputError."""
    pack = load(folder)
    return replace(pack, ingested=tables.read(ingested, *pack.asked))


def _model(kind: type[Any], path: Path, folder: Path) -> Any:
    try:
        return kind.model_validate(each(read(links.check(path, folder)), composed))
    except ValidationError as error:
        raise told(error, path, text_of(path)) from None


def _known(key: str, catalogue: Catalogue, where: str) -> tuple[str, tuple[str, ...]]:
    split = split_key(key, catalogue)
    if split is None:
        names = list(catalogue.names)
        function = max((n for n in names if key.startswith(f"{n}.")), key=len, default=None)
        if function is None:
            hint = f"name FUNCTION.ARGUMENT with a function of {names[:SHOWN]}"
        else:
            properties = catalogue[function].parameters.get("properties", {})
            hint = f"{function} has the arguments {list(properties)[:SHOWN]}"
        raise InputError(f"{where}: {key!r:.100} is no argument of {CATALOGUE}: {hint}")
    return split


SHOWN = 20


def _entries(file: PackFile, catalogue: Catalogue, path: Path) -> dict[str, SourceEntry]:
    found = {}
    for key, entry in file.arguments.items():
        function, slot = _known(key, catalogue, f"{path}: arguments")
        found[".".join((function, *slot))] = entry
    return found


def _exclusive(
    file: PackFile, catalogue: Catalogue, path: Path
) -> dict[str, tuple[frozenset[str], ...]]:
    found: dict[str, list[frozenset[str]]] = {}
    for number, group in enumerate(file.exclusive):
        where = f"{path}: exclusive.{number}"
        split = [_known(key, catalogue, where) for key in group]
        functions = {function for function, _ in split}
        if len(functions) > 1 or "*" in functions:
            raise InputError(f"{where}: {group} must name arguments of one function")
        required = catalogue[split[0][0]].parameters.get("required", [])
        if both := [s[0] for _, s in split if len(s) == 1 and s[0] in required][1:]:
            raise InputError(f"{where}: {both[0]} is required together with another: remove it")
        found.setdefault(functions.pop(), []).append(frozenset(".".join(s) for _, s in split))
    return {function: tuple(groups) for function, groups in found.items()}


def _dimensions(file: PackFile, catalogue: Catalogue, path: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, keys in file.dimensions.items():
        where = f"{path}: dimensions.{name}"
        if name in (FUNCTION, SCENARIO, LOCALE, BAND):
            raise InputError(f"{where}: every pack has this dimension: choose another name")
        slots: dict[str, str] = {}
        for key in [keys] if isinstance(keys, str) else keys:
            function, slot = _known(key, catalogue, where)
            functions = [function] if function != "*" else list(catalogue.names)
            for one in functions:
                if split_key(f"{one}.{'.'.join(slot)}", catalogue) is not None:
                    slots[one] = ".".join(slot)
        found[name] = slots
    return found


def _check_vocabularies(pack: Pack, path: Path) -> None:
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


def _check_metrics(pack: Pack, path: Path) -> None:
    """InputError for a score of an argument that no function has."""
    known = {source.slot for source in pack.by_key.values()}
    for name, of in pack.metrics.items():
        for slot in of.values():
            if slot not in known:
                raise InputError(
                    f"{path}: metrics.{name}: {slot!r:.60} is no argument: name one of "
                    f"{sorted(known)[:SHOWN]}"
                )


def _frames(pack: Pack, path: Path) -> dict[str, Frame]:
    """The frame of each locale, where arguments are of a kind that needs one; else none."""
    needy = [s for s in pack.by_key.values() if s.kind in ("class", "derived")]
    nested = [s.key for s in needy if len(s.path) > 1]
    classed = [s for s in needy if s.kind == "class"]
    if nested or len({s.slot for s in classed}) > 1:
        raise InputError(
            f"{path}: arguments.{(nested or [classed[-1].key])[0]}: a class is one argument of the "
            "same name in all functions, and neither class nor derived may stand in an object"
        )
    found: dict[str, Frame] = {}
    for locale in pack.locales if needy else ():
        where = f"{pack.folder / VOCABULARIES / locale}.yaml: frame"
        vocabulary = pack.vocabulary(locale)
        if vocabulary.frame is None:
            raise InputError(
                f"{where} is missing: {needy[0].key} is told by what frames a request, so list "
                "the words that ask, command and join"
            )
        slot = classed[0].slot if classed else ""
        # As of any enum, under the argument's name or under FUNCTION.ARGUMENT.
        words = {
            entry.value: entry.surfaces
            for name in dict.fromkeys((*(source.key for source in classed), slot))
            for entry in vocabulary.lists.get(name, ())
        }
        values = [
            value
            for source in classed
            for value in (source.schema.get("enum", ()) if source.settings is True
                          else source.settings)
        ]  # fmt: skip
        classes = {str(value): tuple(words.get(value, ())) for value in dict.fromkeys(values)}
        if classed and not classes:
            raise InputError(
                f"{path}: arguments.{classed[0].key}: its schema has no enum: list its values"
            )
        _check_frame(vocabulary.frame, pack, classes, where)
        found[locale] = Frame(vocabulary.frame, tuple(pack.catalogue.names), classes, slot)
    return found


def _check_frame(words: FrameWords, pack: Pack, classes: Mapping[str, Any], where: str) -> None:
    """InputError where a frame names functions or classes that are not there."""
    functions = list(pack.catalogue.names)
    for key, names, allowed in (
        ("asks", words.asks, functions), ("commands", words.commands, functions),
        ("searches", words.searches, functions), ("cues", words.cues, list(classes)),
        ("hints", words.hints, list(classes)), ("generic", words.generic, list(classes)),
    ):  # fmt: skip
        for name in names:
            if name not in allowed:
                raise InputError(
                    f"{where}.{key}: {name!r:.60} is unknown; known: {allowed[:SHOWN]}"
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


def _check_population(pack: Pack, path: Path) -> None:
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
