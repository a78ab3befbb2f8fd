"""Planning a million plans: the whole `route` stage against numpy drawing cells and templates.

`route` starts Python, reads its tables, draws slots and writes a million rows of 18 columns; numpy
draws the same cells and templates and nothing else. Once as numbers, once as the names that a row
holds, and once in a process of its own that writes these two columns as Parquet.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from stages.core import files
from tests.benchmarks.frame import (
    ROOT,
    Line,
    Size,
    Timed,
    at_most,
    in_turns,
    project,
    script,
    stage,
    timed,
)

# Gives a little more than a million plans.
ROWS = 160_000


# A cell's name -> how often it was drawn, and the templates drawn there with their counts.
Drawn = dict[str, tuple[int, dict[str, int]]]

WRITE = """
import json, sys
import polars as pl
from tests.benchmarks.route import draw
cell, template = draw(json.load(open(sys.argv[1])), True)
pl.DataFrame({"cell": cell, "template": template}).write_parquet(
    sys.argv[2], compression="zstd", compression_level=1, statistics=False)
"""


def draw(drawn: Drawn, names: bool) -> tuple[np.ndarray, np.ndarray]:
    """As many cells and a template for each as `drawn` has, by its shares; as names, or numbers."""
    rng = np.random.default_rng(0)
    counts = np.array([count for count, _ in drawn.values()])
    n = int(counts.sum())
    cell = rng.choice(len(drawn), n, p=counts / n)
    template = np.empty(n, dtype=np.int64)
    first = 0
    for number, (count, fits) in enumerate(drawn.values()):
        here = cell == number
        weights = np.array(list(fits.values())) / count
        template[here] = first + rng.choice(len(fits), int(here.sum()), p=weights)
        first += len(fits)
    if not names:
        return cell, template
    known = np.array([name for _, fits in drawn.values() for name in fits])
    return np.array(list(drawn))[cell], known[template]


def found(plans: Path) -> Drawn:
    """Cells and templates of a table of plans."""
    cell = pl.format("{}|{}", "stratum", "route")
    counted = pl.scan_parquet(plans).group_by(cell.alias("cell"), "template_id").len().collect()
    drawn: Drawn = {}
    for (name,), part in counted.sort("cell", "template_id").group_by("cell", maintain_order=True):
        fits = dict(part.select("template_id", "len").iter_rows())
        drawn[str(name)] = sum(fits.values()), fits
    return drawn


def alone(drawn: Drawn, names: bool) -> Timed:
    """`draw` in this process; its memory is not measured."""
    began = time.perf_counter()
    draw(drawn, names)
    return Timed(time.perf_counter() - began, 0)


def lines(size: Size) -> Iterator[Line]:
    rows = size.rows(ROWS)

    def change(params: dict[str, Any]) -> None:
        params["route"]["rows"] = rows
        # Drawing pictures is not what is measured; without them vision has next to no material.
        params["ingest_assets"]["max_pictures"] = 1

    with project(change) as folder:
        for name in ("ingest_graph", "ingest_assets", "population"):
            timed(stage(name), folder, 1)
        ours = partial(timed, stage("route"), folder, 1)
        large = (folder / "params.yaml").read_text()
        small = large.replace(f"rows: {rows}", f"rows: {rows // 10}")
        (folder / "params.yaml").write_text(small)
        (tenth,) = in_turns(size.repeats, ours)
        (folder / "params.yaml").write_text(large)
        ours()
        drawn = found(folder / "data/routed/plans.parquet")
        n = sum(count for count, _ in drawn.values())
        given, out = folder / "drawn.json", folder / "drawn.parquet"
        files.write_json(given, drawn)
        full, *peers = in_turns(
            size.repeats, ours, partial(alone, drawn, False), partial(alone, drawn, True),
            partial(timed, script(WRITE, str(given), str(out)), ROOT, 1),
        )  # fmt: skip
        growth = full.seconds / tenth.seconds
        told = {
            "numbers": "numpy draws numbers",
            "names": "numpy draws names",
            "names written": "numpy draws names, polars writes them; with start-up",
        }
        for (what, against), peer in zip(told.items(), peers, strict=True):
            yield at_most(f"route against {what}", f"{n} plans", full, peer.seconds, against,
                          4, 2048, growth)  # fmt: skip
