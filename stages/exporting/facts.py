"""What cards tell of a run, from its own files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from stages.core import files
from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.scores import with_interval
from stages.core.settings import Settings
from stages.core.tables import Dialogues
from stages.engines import models
from stages.exporting import licenses, sample
from stages.exporting.licenses import License
from stages.exporting.sample import SPLITS

BASE, ADAPTER, DATASET = Path("models/base"), Path("models/adapter"), Path("data/dataset")
# Routes whose words a model writes.
WRITTEN = ("text", "vision")


class Model(NamedTuple):
    """A base model: its name as in params.yaml, its place on the hub if it has one, and which
    weights they are, a revision of the hub or the digest of its files; "" where these are gone.
    """

    name: str
    hub: str | None
    weights: str
    license: License


class Score(NamedTuple):
    """A score of the tuned model with its 95% interval, and the base model's, None without one."""

    name: str
    value: float
    low: float
    high: float
    base: float | None


class Facts(NamedTuple):
    """`rows`, `calls`: of each split, those with a call. `dated`: whether messages tell the date.
    `tables`: rows of both splits by what they are. `metrics`: the files of metrics/ by name, {} for
    one that is not there.
    """

    pack: str
    description: str
    license: License
    license_files: list[Path]
    rows: dict[str, int]
    calls: dict[str, int]
    dated: bool
    tables: dict[str, dict[str, int]]
    locales: list[str]
    functions: list[str]
    example: str
    writers: list[Model]
    metrics: dict[str, dict[str, Any]]
    settings: Settings


def read(settings: Settings) -> Facts:
    """Of the run in this folder. Raises InputError where there is no dataset, or one of another
    pack.
    """
    splits = {s: files.read_table(DATASET / f"{s}.parquet", Dialogues) for s in SPLITS}
    both = pl.concat(splits.values())
    pack = packs.load(settings.pack)
    tools = (tool for text in both["tools"].unique() for tool in json.loads(text))
    functions = sorted({tool["function"]["name"] for tool in tools})
    if missing := set(functions) - set(pack.catalogue.names):
        raise InputError(
            f"{DATASET} shows {min(missing)}, which {settings.pack} has not: the dataset was made "
            "from another pack; run `dvc repro`, or set `pack` in params.yaml to that one"
        )
    with_call = {s: table["messages"].str.contains('"tool_calls"', literal=True).sum()
              for s, table in splits.items()}  # fmt: skip
    return Facts(
        pack=plain(pack.name),
        description=plain(pack.description),
        license=licenses.of_folder(pack.folder),
        license_files=licenses.files_of(pack.folder),
        rows={split: table.height for split, table in splits.items()},
        calls={split: int(n) for split, n in with_call.items()},
        dated=both["today"].null_count() < both.height,
        tables={name: _counts(both[name]) for name in ("scenario", "route", "locale")},
        locales=sorted(both["locale"].unique()),
        functions=functions,
        example=_example(),
        writers=_writers(settings, set(both["route"])),
        metrics={name: metrics(name) for name in ("validate", "finetune", "evaluate")},
        settings=settings,
    )


def plain(text: object, limit: int = 300) -> str:
    """A text on one line, without what Markdown's tables would take for their own."""
    return " ".join(str(text).replace("|", "/").split())[:limit]


def _counts(column: pl.Series) -> dict[str, int]:
    """How many rows have each value, the most first."""
    counts = column.value_counts(sort=True).sort("count", column.name, descending=[True, False])
    return {plain(value): int(n) for value, n in counts.iter_rows()}


def _example() -> str:
    """The messages of the first row with a call, as JSON over several lines; "" without one."""
    for row in islice(sample.read(DATASET, "train"), 1_000):
        if any(message.get("tool_calls") for message in row.messages):
            return json.dumps(row.messages, indent=2, ensure_ascii=False)
    return ""


def metrics(name: str) -> dict[str, Any]:
    """metrics/NAME.json, {} where it is not there."""
    path = Path("metrics") / f"{name}.json"
    value = files.read_json(path) if path.is_file() else {}
    return value if isinstance(value, dict) else {}


def _writers(settings: Settings, routes: set[str]) -> list[Model]:
    """The models that wrote the words of these routes, each once."""
    writers = [_writer(settings, route) for route in WRITTEN if route in routes]
    return list({writer.name: writer for writer in writers}.values())


def _writer(settings: Settings, route: str) -> Model:
    """The model that wrote the words of a route, text or vision."""
    sees = route == "vision" and settings.generate.vision.engine != "describe"
    engine = settings.generate.vision.engine if sees else settings.generate.engine
    if engine == "server":
        name = plain(settings.generate.server.model) or "the only model of a server"
        return Model(name, None, "", licenses.NOT_STATED)
    model = ("viewer", settings.models.viewer) if sees else ("writer", settings.models.writer)
    return base_model(*model)


def base_model(role: str, name: str) -> Model:
    """The model of a role, by its name in params.yaml; its files may be gone."""
    kind, _, rest = name.partition(":")
    folder = BASE / role
    with suppress(InputError, OSError, ValueError):  # a snapshot of the hub that was deleted
        folder = Path(models.resolve(role, BASE))
    license = licenses.of_model(name, folder)
    if kind == "hub":
        hub, _, revision = rest.partition("@")
        return Model(name, hub, revision, license)
    return Model(
        models.public_name(name), None, models.digest(folder) if folder.is_dir() else "", license
    )


def scores(evaluated: Mapping[str, Any]) -> list[Score]:
    """The tuned model's scores that have an interval, in their order."""
    tuned, base = evaluated.get("tuned", {}), evaluated.get("base", {})
    return [
        Score(name, tuned[name], tuned[f"{name}_low"], tuned[f"{name}_high"], base.get(name))
        for name in with_interval(tuned)
    ]


def adapter_files() -> dict[str, Path]:
    """The adapter's files by their names, all but a card, which is written anew."""
    paths = sorted(ADAPTER.rglob("*"))
    by_name = {str(file.relative_to(ADAPTER)): file for file in paths if file.is_file()}
    return {name: file for name, file in by_name.items() if name != "README.md"}
