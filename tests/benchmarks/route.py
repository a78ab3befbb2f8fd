"""Planning a million requests: the whole `route` stage against numpy drawing cells and templates.

Command: make bench, or python tests/benchmarks/route.py [ROWS]
Prints a table and writes it to metrics/benchmarks.json. ROWS is route.rows; the default gives a
little more than a million requests. Needs the project's environment, no data: the pack is ingested
here, in a folder of its own.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ROWS, REPEATS = 160_000, 5


def prepare(folder: Path, rows: int) -> None:
    """The project's code and pack in `folder`, with what `route` reads."""
    for name in ("stages", "prompts", "data/domains"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    params["route"]["rows"] = rows
    # Drawing pictures is not what is measured; without them the vision route has no material.
    params["ingest_assets"]["max_pictures"] = 1
    yaml.dump(params, folder / "params.yaml")
    for stage in ("ingest_graph", "ingest_assets", "population"):
        run(folder, stage)


def run(folder: Path, stage: str) -> float:
    """Wall seconds of a stage in a process of its own."""
    began = time.perf_counter()
    command = [sys.executable, "-m", f"stages.{stage}"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


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


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, rows)
        ours = median(run(folder, "route") for _ in range(REPEATS))
        table = pl.read_parquet(folder / "data/routed/requests.parquet")
    # Of all children; ingestion needs less.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    cell = pl.format("{}|{}|{}|{}|{}", "function", "content_type", "band", "locale", "route")
    counted = table.group_by(cell.alias("cell"), "template_id").len().sort("cell", "template_id")
    cells = counted["cell"].unique(maintain_order=True).to_list()
    sizes = counted.group_by("cell", maintain_order=True).agg(pl.col("len").sum())["len"].to_numpy()
    templates = {
        str(key[0]): (part["template_id"].to_list(), part["len"].to_numpy() / part["len"].sum())
        for key, part in counted.group_by("cell", maintain_order=True)
    }
    n = table.height
    found = []
    for what, names in (("numbers", False), ("names", True)):
        drawing = [draw(cells, sizes / n, templates, n, names) for _ in range(REPEATS)]
        peer = median(drawing)
        found.append(
            {"name": f"route against numpy drawing {what}", "work": f"{n} requests",
             "ours": round(ours, 3), "reference": round(peer, 3), "ratio": round(ours / peer, 1),
             "goal": "at most 4x, 20 s, 2048 MiB",
             "met": ours <= min(20, 4 * peer) and peak <= 2048, "peak_mib": round(peak)}
        )  # fmt: skip
    shown = Table(*found[0])
    for line in found:
        shown.add_row(*(str(value) for value in line.values()))
    Console(width=None if sys.stdout.isatty() else 160).print(shown)
    out = ROOT / "metrics" / "benchmarks.json"
    out.write_text(json.dumps(found, indent=2) + os.linesep, "utf-8")


if __name__ == "__main__":
    main()
