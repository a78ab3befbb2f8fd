"""Planning a million requests: the whole `route` stage against numpy drawing cells and templates.

`route` starts Python, reads its tables, draws slots and writes a million rows; numpy draws the
same cells and templates and nothing else. Once as numbers, once as the names that a row holds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from tests.benchmarks.frame import Line, Size, at_most, project, stage, timed

# Gives a little more than a million requests.
ROWS = 160_000


def draw(cells: list[str], shares: np.ndarray, templates: dict[str, tuple[list[str], np.ndarray]],
         n: int, names: bool) -> float:  # fmt: skip
    """Seconds that numpy needs to draw `n` cells and a template for each; as names, or numbers."""
    rng = np.random.default_rng(0)
    began = time.perf_counter()
    drawn = rng.choice(len(cells), n, p=shares)
    template = np.empty(n, dtype=np.int64)
    first = 0
    for number, cell in enumerate(cells):
        here = drawn == number
        fits, weights = templates[cell]
        template[here] = first + rng.choice(len(fits), int(here.sum()), p=weights)
        first += len(fits)
    if names:
        np.array(cells)[drawn]
        np.array([t for cell in cells for t in templates[cell][0]])[template]
    return time.perf_counter() - began


def peer(requests: Path, repeats: int, names: bool) -> float:
    """Median seconds of `draw` for the cells and templates of a table of requests."""
    table = pl.read_parquet(requests)
    cell = pl.format("{}|{}|{}|{}|{}", "function", "content_type", "band", "locale", "route")
    counted = table.group_by(cell.alias("cell"), "template_id").len().sort("cell", "template_id")
    cells = counted["cell"].unique(maintain_order=True).to_list()
    sizes = counted.group_by("cell", maintain_order=True).agg(pl.col("len").sum())["len"].to_numpy()
    templates = {
        str(key[0]): (part["template_id"].to_list(), part["len"].to_numpy() / part["len"].sum())
        for key, part in counted.group_by("cell", maintain_order=True)
    }
    n = table.height
    return median(draw(cells, sizes / n, templates, n, names) for _ in range(repeats))


def lines(size: Size) -> Iterator[Line]:
    rows = size.rows(ROWS)

    def change(params: dict[str, Any]) -> None:
        params["route"]["rows"] = rows
        # Drawing pictures is not what is measured; without them vision has next to no material.
        params["ingest_assets"]["max_pictures"] = 1

    with project(change) as folder:
        for name in ("ingest_graph", "ingest_assets", "population"):
            timed(stage(name), folder, 1)
        requests = folder / "data/routed/requests.parquet"
        small = (folder / "params.yaml").read_text().replace(f"rows: {rows}", f"rows: {rows // 10}")
        large = (folder / "params.yaml").read_text()
        (folder / "params.yaml").write_text(small)
        tenth = timed(stage("route"), folder, size.repeats)
        (folder / "params.yaml").write_text(large)
        ours = timed(stage("route"), folder, size.repeats)
        n = pl.scan_parquet(requests).select(pl.len()).collect().item()
        for names in (False, True):
            what = "names" if names else "numbers"
            yield at_most(
                f"route against {what}", f"{n} requests", ours, peer(requests, size.repeats, names),
                f"numpy draws {what}", 4, 2048, ours.seconds / tenth.seconds,
            )  # fmt: skip
