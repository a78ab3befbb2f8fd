"""What a run has left: its tables and metrics, as far as they are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from stages.core import files
from stages.core.command import InputError
from stages.core.tables import (
    ROUTES,
    Answers,
    Conversations,
    Dependencies,
    Dialogues,
    Plans,
    Refused,
    Table,
)

DATA, METRICS = Path("data"), Path("metrics")
# Tables by name: where each lies, and its contract.
TABLES: dict[str, tuple[Path, type[Table]]] = {
    "plans": (DATA / "routed" / "plans.parquet", Plans),
    **{route: (DATA / "generated" / f"{route}.parquet", Conversations) for route in ROUTES},
    "train": (DATA / "dataset" / "train.parquet", Dialogues),
    "validation": (DATA / "dataset" / "validation.parquet", Dialogues),
    "rejected": (DATA / "rejected" / "rejected.parquet", Refused),
    "surplus": (DATA / "rejected" / "surplus.parquet", Refused),
    "answers": (METRICS / "evaluate" / "answers.parquet", Answers),
    "dependencies": (DATA / "ingested" / "graph" / "dependencies.parquet", Dependencies),
}
# Those that not every pack has.
OPTIONAL = ("dependencies",)
FIGURES = (
    "models", "ingest_graph", "ingest_assets", "route", *(f"generate_{route}" for route in ROUTES),
    "validate", "finetune", "evaluate",
)  # fmt: skip
# Single files with columns, and folders of them.
CURVES = ("validate/strata", "validate/templates", "finetune/loss", "ablation")
FOLDERS = ("validate/dimensions", "validate/words")
# Bytes of a file of columns, and how many of a folder are read, at most.
MOST_BYTES, MOST_FILES = 5_000_000, 60


@dataclass(frozen=True)
class Material:
    """metrics: by a file's name without its end; tables: by the names of TABLES; curves: files of
    columns, such as "finetune/loss"; missing: paths of what is not there.
    """

    metrics: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    curves: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def table(name: str, root: Path = Path()) -> pl.DataFrame:
    """A table by its name. Raises InputError where it is missing or broken."""
    path, contract = TABLES[name]
    return files.read_table(root / path, contract)


def read(root: Path = Path(), names: Iterable[str] = tuple(TABLES)) -> Material:
    """All that is there. Raises InputError for a file that is there and broken, and where there is
    nothing at all.
    """
    tables, metrics, missing = {}, {}, []
    for name in names:
        if (root / TABLES[name][0]).is_file():
            tables[name] = table(name, root)
        elif name not in OPTIONAL:
            missing.append(str(TABLES[name][0]))
    for name in FIGURES:
        path = METRICS / f"{name}.json"
        if not (root / path).is_file():
            missing.append(str(path))
            continue
        value = files.read_json(root / path)
        if not isinstance(value, dict):
            raise InputError(f"{path} must hold an object: run `dvc repro` to make it anew")
        metrics[name] = value
    if not tables and not metrics:
        raise InputError("nothing was made here yet: run `make repro`, or `dvc repro validate`")
    return Material(metrics, tables, curves(root / METRICS), tuple(missing))


def curves(metrics: Path) -> dict[str, pl.DataFrame]:
    """The files of columns under a metrics folder. Raises InputError for a broken one."""
    paths = [metrics / f"{name}.csv" for name in CURVES]
    for name in FOLDERS:
        paths += sorted((metrics / name).glob("*.csv"))[:MOST_FILES]
    frames = {}
    for path in paths:
        if not path.is_file():
            continue
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} has more than {MOST_BYTES} bytes: it is no file of a stage")
        try:
            with path.open("rb") as stream:  # so that polars sees no pattern of names in the path
                frames[str(path.relative_to(metrics).with_suffix(""))] = pl.read_csv(
                    stream, infer_schema_length=None
                )
        except pl.exceptions.PolarsError as error:
            raise InputError(f"{path} is no readable CSV file: {error!s:.200}") from None
    return frames
