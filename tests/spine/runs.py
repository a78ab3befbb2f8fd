"""A pack's stages in a folder of their own, as DVC runs them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stages import check, generate, ingest_assets, ingest_graph, population, route, validate
from stages.core import files
from stages.core.tables import ROUTES, Dialogues
from tests.conftest import ROOT, params


@contextmanager
def planned(folder: Path, pack: Path, change: Callable[[dict[str, Any]], None]) -> Iterator[Path]:
    """`folder` as the working folder, with plans for a copy of `pack` in it; change: of the
    parameters. The copy has the folder's name, for packs are kept by their names in a process.
    """
    shutil.copytree(pack, folder / folder.name)
    shutil.copy(ROOT / "params.yaml", folder)

    def changed(value: dict[str, Any]) -> None:
        value["pack"] = folder.name
        change(value)

    params(folder, changed)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("DVC_ROOT", raising=False)
        patch.setenv("ROUTENATOR_PARAMS", str(folder / "params.yaml"))
        for stage in (check, ingest_graph, ingest_assets, population, route):
            stage.main()
        yield folder


def write() -> None:
    """The dataset of the plans in the working folder."""
    for name in ROUTES:
        generate.main([name])
    validate.main()


def dataset(place: Path) -> pl.DataFrame:
    """All samples, of both sides."""
    return pl.concat(
        files.read_table(place / f"data/dataset/{name}.parquet", Dialogues)
        for name in ("train", "validation")
    )
