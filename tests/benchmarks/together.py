"""A machine that is not alone: two stages that compute at the same time, and a training alone.

Each side runs by itself and beside the other, in turns. What is judged is the slower one's speed
beside the other as a share of its speed alone: half of it would be a fair share of the cores.
The training alone is also held against the code before: bfloat16 whatever the processor, PEFT's
layers, OpenMP's threads as they come.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from transformers import AutoTokenizer

from stages.formats import FORMATS
from stages.training.tokens import encode_table
from tests.benchmarks.frame import PACK, Line, Size, Timed, at_least, project, script, stage, timed
from tests.benchmarks.scoring import ADAPT
from tests.benchmarks.training import (
    BATCH,
    OURS,
    ROOM,
    Races,
    dataset,
    heuristic_only,
    rate,
)
from tests.benchmarks.writing import CHOOSE, forget

ROWS, REQUESTS, QUERIES = 96, 300, 200


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each of `works` gives, all of them at the same time."""
    with ThreadPoolExecutor(len(works)) as pool:
        return [under_way.result() for under_way in [pool.submit(work) for work in works]]


def share(name: str, work: str, alone: float, beside: float, goal: float, peak: float) -> Line:
    """A line: seconds alone over seconds beside another, at least `goal`."""
    return at_least(name, work, Timed(beside, peak), alone, "the same alone", goal)


def trainings(size: Size, rows: list[Any], base: Path, folder: Path) -> Iterator[Line]:
    """A training alone against the code before, and two at the same time against one."""
    measured = max(BATCH, size.rows(ROWS))
    sides = []
    for name in ("one", "other"):
        (folder / name).mkdir()
        sides.append(Races(rows, base, folder / name))

    def run(races: Races, count: int = measured, **more: Any) -> tuple[float, float]:
        result, whole = races.run(*OURS, races.warm + count, **more)
        return rate(result), whole.peak_mib

    alone, beside, peaks = [], [], []
    for _ in range(size.repeats):
        found, peak = run(sides[0])
        alone.append(found)
        peaks.append(peak)
        beside.append(min(found for found, _ in at_once(*(partial(run, side) for side in sides))))
    # Once and few rows: without bfloat16 in hardware a step takes minutes.
    was, _ = run(sides[0], BATCH, before=True)
    one, each = median(alone), median(beside)
    work = f"{measured} rows; {one:.2f} and {was:.2f} rows/s"
    yield at_least("finetune, alone", work, Timed(measured / one, max(peaks)), measured / was,
                   f"the code before, {BATCH} rows of it", 1.15)  # fmt: skip
    work = f"{measured} rows each; {each:.2f} and {one:.2f} rows/s"
    yield share("finetune, two at once", work, measured / one, measured / each, 0.5, max(peaks))


def writing_and_scoring(size: Size, folder: Path) -> Iterator[Line]:
    """`generate text` and `evaluate` at the same time; both start Python and vLLM."""
    for name in ("models", "ingest_graph", "ingest_assets", "population", "route"):
        timed(stage(name), folder, 1)
    (folder / "data/routed/plans.parquet").rename(folder / "planned.parquet")
    timed(script(CHOOSE, str(size.rows(REQUESTS))), folder, 1)
    timed(script(ADAPT), folder, 1)
    golden = folder / PACK / "golden.jsonl"
    lines = golden.read_text("utf-8").splitlines(keepends=True)[: size.rows(QUERIES)]
    golden.write_text("".join(lines), "utf-8")
    works = {
        "generate text": partial(timed, stage("generate", "text"), folder, 1),
        "evaluate": partial(timed, stage("evaluate"), folder, 1),
    }
    alone: dict[str, list[Timed]] = {name: [] for name in works}
    beside: dict[str, list[Timed]] = {name: [] for name in works}
    for _ in range(size.repeats):
        for name, work in works.items():
            forget(folder)
            alone[name].append(work())
        forget(folder)
        for name, found in zip(works, at_once(*works.values()), strict=True):
            beside[name].append(found)
    for name in works:
        one, each = (median(t.seconds for t in side[name]) for side in (alone, beside))
        other = next(n for n in works if n != name)
        yield share(f"{name}, beside {other}", "start of Python and vLLM included", one, each,
                    0.42, max(t.peak_mib for t in beside[name]))  # fmt: skip


def without_pictures(params: dict[str, Any]) -> None:
    params["route"]["weights"]["vision"] = 0
    params["ingest_assets"]["max_pictures"] = 0


def lines(size: Size) -> Iterator[Line]:
    with project(heuristic_only) as made, tempfile.TemporaryDirectory() as name:
        samples, base = dataset(made)
        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
        rows = encode_table(samples, tokenizer, ROOM, FORMATS["pythonic"])
        yield from trainings(size, rows, base, Path(name))
    with project(without_pictures) as folder:
        yield from writing_and_scoring(size, folder)
