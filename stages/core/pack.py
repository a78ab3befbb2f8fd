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
from stages.core import links, pack_consistency, pack_frames, pack_keys
from stages.core import vocabulary as vocabularies
from stages.core import worlds as world_files
from stages.core.catalogue import Catalogue
from stages.core.command import InputError
from stages.core.frame import Frame
from stages.core.ingested import Ingested, Offer
from stages.core.pack_files import (
    CATALOGUE,
    GOLDEN,
    PACK,
    POPULATION,
    VERDICTS,
    VOCABULARIES,
    PackFile,
    PopulationFile,
    Walk,
)
from stages.core.plan import PlannedCall
from stages.core.settings import input_error
from stages.core.sources import ENTITY, Lacking, Source, coerced, resolve
from stages.core.text import composed, each
from stages.core.vocabulary import Entry, Vocabulary
from stages.core.worlds import World
from stages.core.yaml import read, text_of

# Where the stages keep what they ingest.
INGESTED = Path("data/ingested")
# The folder of all templates, one folder per pack, and those beside them that are no pack's.
PROMPTS, NO_TEMPLATES = Path(__file__).parents[2] / "prompts", ("system", "agents")


@dataclass(frozen=True)
class Pack:
    """A checked pack. sources: function -> the sources of its arguments in the schema's order
    (`Source`); lacking: arguments that have none; exclusive: function -> groups of slots of which
    at most one stands in a call; dimensions: name -> function -> slot; vocabularies: by locale;
    frames: locale -> what frames a request, for packs with sources of the kinds `class` or
    `derived`; walks: name -> way through the graph, for templates; acyclic: relations without a
    circle; held_out: functions that no conversation of the dataset shows; worlds: by name;
    ingested: what the sources `asset` and `graph` draw from, None where it was not read.
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
    held_out: frozenset[str] = frozenset()
    worlds: Mapping[str, World] = field(default_factory=dict)
    ingested: Ingested | None = field(default=None, compare=False)

    @cached_property
    def trained(self) -> Catalogue:
        """The functions that the dataset may show: all but those held out."""
        return self.catalogue.subset(n for n in self.catalogue.names if n not in self.held_out)

    @cached_property
    def blocked(self) -> dict[str, list[str]]:
        """The functions of which no valid call can be planned -> their required arguments without a
        source.
        """
        blocked: dict[str, list[str]] = {}
        for lack in self.lacking:
            if lack.required:
                blocked.setdefault(lack.function, []).append(".".join(lack.path))
        return blocked

    @cached_property
    def world_of(self) -> dict[str, World]:
        """Function -> the world that does it."""
        return {name: world for world in self.worlds.values() for name in world.functions}

    @cached_property
    def world_words(self) -> dict[str, list[str]]:
        """The vocabularies that the initial states of worlds draw from: those of the first
        locale.
        """
        lists = self.vocabulary(self.locales[0]).lists
        return {name: [str(one.value) for one in entries] for name, entries in lists.items()}

    @cached_property
    def stateful(self) -> frozenset[str]:
        """The functions that a call without a world cannot be planned of: they need one of its
        things.
        """
        return frozenset(
            function
            for function, sources in self.sources.items()
            if any(one.kind == ENTITY and one.required for one in sources)
        )

    @cached_property
    def by_key(self) -> dict[str, Source]:
        """FUNCTION.ARGUMENT[.PROPERTY] -> its source, objects and their properties alike."""
        sources: dict[str, Source] = {}

        def add(source: Source) -> None:
            sources[source.key] = source
            for one in source.properties:
                add(one)

        for held in self.sources.values():
            for source in held:
                add(source)
        return sources

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
                offers = self.ingested.walk(source.settings, locales, governor)
                return [
                    offer._replace(value=coerced(offer.value, source.schema)) for offer in offers
                ]
            name, column = source.column
            other = self.by_key.get(".".join((source.function, *source.path[:-1], governor or "")))
            # Of the same file it is a value of the same row.
            same = other is not None and other.kind == "asset" and other.column[0] == name
            whole = source.schema.get("type") == "array"
            beside = None if same else governor
            offers = self.ingested.column(name, column, locales, whole, beside)
            return [offer._replace(value=coerced(offer.value, source.schema)) for offer in offers]
        except InputError as error:
            raise InputError(f"{self.folder / PACK}: arguments.{source.key}: {error}") from None

    @property
    def golden(self) -> Path:
        """Its golden set."""
        return self.folder / GOLDEN

    @property
    def verdicts(self) -> Path:
        """What people said of its conversations; may be missing."""
        return self.folder / VERDICTS

    def vocabulary(self, locale: str) -> Vocabulary:
        """The words of a locale; none where the pack has no file for it."""
        return self.vocabularies.get(locale) or Vocabulary(locale)

    def entries(self, name: str, locale: str) -> tuple[Entry, ...]:
        """A vocabulary's entries in a locale, or, where it does not have the list, those of the
        pack's first locale that does: names of people are the same everywhere. () if unknown.
        """
        for one in (locale, *self.locales):
            if entries := self.vocabulary(one).lists.get(name):
                return entries
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
    entries = pack_keys.entries(file, catalogue, path)
    worlds = world_files.load(folder, file.name, catalogue)
    things = {one.name: one.takes for world in worlds.values() for one in world.functions.values()}
    sources, lacking = resolve(catalogue, entries, things)
    pack = Pack(
        folder, file.name, file.description, tuple(file.locales), catalogue, sources,
        tuple(lacking), pack_keys.exclusive(file, catalogue, path),
        pack_keys.dimensions(file, catalogue, path),
        {
            locale: vocabularies.load(folder / VOCABULARIES / f"{locale}.yaml", folder, locale)
            for locale in file.locales
        },
        population, file.metrics, walks=file.walks, acyclic=tuple(file.acyclic),
        held_out=pack_keys.held_out(file, catalogue, worlds, path), worlds=worlds,
    )  # fmt: skip
    pack_consistency.check_vocabularies(pack, path)
    pack_consistency.check_names(pack)
    pack_consistency.check_metrics(pack, path)
    pack = replace(pack, frames=pack_frames.frames(pack, path))
    pack_consistency.check_population(pack, folder / POPULATION)
    return pack


def with_population(pack: Pack, path: Path) -> Pack:
    """The pack with another file's population. Raises InputError."""
    changed = replace(pack, population=_model(PopulationFile, path, pack.folder))
    pack_consistency.check_population(changed, path)
    return changed


def load_ingested(folder: str | Path, ingested: Path = INGESTED) -> Pack:
    """`load`, with the ingested tables that the pack's arguments draw from. Raises InputError."""
    pack = load(folder)
    return replace(pack, ingested=tables.read(ingested, *pack.asked))


def _model(kind: type[Any], path: Path, folder: Path) -> Any:
    try:
        return kind.model_validate(each(read(links.check(path, folder)), composed))
    except ValidationError as error:
        raise input_error(error, path, text_of(path)) from None
