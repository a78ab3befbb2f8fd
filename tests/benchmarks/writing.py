"""Writing queries: the `generate` stage against bare vLLM and bare SQLite; pictures put in words.

Cold: both sides start Python and vLLM and answer the same messages with the same sampling and
seeds, ours as batches, checked, stored and written as a table. vLLM alone runs with our settings,
and once with its own size of the prefix cache's blocks. Warm: SQLite alone starts Python and reads
the rows; with the start-up it first imports what the stage imports.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.frame import (
    Line,
    Size,
    at_least,
    at_most,
    in_turns,
    project,
    script,
    stage,
    timed,
)

REQUESTS, PICTURES = 1_000, 40
# A picture may take so many seconds, and all of them so much memory.
SECONDS, MIB = 0.5, 1536

# The first plans of the text route in a default run, all of them wanted, and their messages.
CHOOSE = """
import json, sys
import polars as pl
from stages.core import pack, plan, settings
from stages.engines import as_chat
from stages.generation.writer import Writer

n, options = int(sys.argv[1]), settings.load()
planned = pl.read_parquet("planned.parquet").filter(pl.col("template_id") != "", route="text")
planned = planned.with_row_index("at")
first = planned.sort(pl.col("rank") / pl.col("quota"), "at").head(n).sort("at").drop("at")
first.with_columns(quota=pl.lit(n, pl.Int64)).write_parquet("data/routed/plans.parquet")
writer = Writer(pack.load_ingested(options.pack), options, "text")
asked = [
    {"messages": as_chat(writer.prompt(one)[0]), "seed": (options.seed + one.seed) % 2**31}
    for one in map(plan.from_record, first.to_dicts())
]
assert all(one["messages"][-1]["role"] == "assistant" for one in asked)  # a query's beginning
json.dump(asked, open("asked.json", "w"))
"""
BARE = """
import json, sys
from stages.engines import engine, models
from stages.core import settings

options, asked = settings.load(), json.load(open("asked.json"))
own = {"block_size": None} if sys.argv[1:] else {}
llm = engine.engine(models.resolve("writer"), options.engine, options.seed, **own)
from vllm import SamplingParams

sampling = options.generate.text.sampling.model_dump()
answers = llm.chat(
    [one["messages"] for one in asked],
    [SamplingParams(**sampling, seed=one["seed"]) for one in asked],
    use_tqdm=False, add_generation_prompt=False, continue_final_message=True,
)
assert len(answers) == len(asked)
"""
READ = """
import sqlite3, sys
if sys.argv[1:]:
    import stages.generate
db = sqlite3.connect("data/.work/completions.sqlite")
assert len(db.execute("SELECT key, model, text FROM completions").fetchall()) > 0
"""
DESCRIBE = """
import sys
from pathlib import Path
from stages.core import files
from stages.engines.store import NAME, Store
from stages.generation import picture

paths = sorted(Path("data/ingested/assets/pictures").iterdir())[: int(sys.argv[1])]
assert len(paths) == int(sys.argv[1])
store = Store(files.work_dir() / NAME)
picture.look(paths, store)
found = [picture.described(path, store) for path in paths]
assert sum(bool(one["texts"]) for one in found) > len(found) / 2
"""


def lines(size: Size) -> Iterator[Line]:
    pictures = size.rows(PICTURES)

    def change(params: dict[str, Any]) -> None:
        params["ingest_assets"]["max_pictures"] = pictures

    with project(change) as folder:
        for name in ("models", "ingest_graph", "ingest_assets", "population", "route"):
            timed(stage(name), folder, 1)
        (folder / "data/routed/plans.parquet").rename(folder / "planned.parquet")
        yield from text(size, folder)
        yield described(size, folder, pictures)


def text(size: Size, folder: Path) -> Iterator[Line]:
    """The route text: with an empty store, and again with all that it needs."""
    write = partial(timed, stage("generate", "text"), folder, 1)
    empty = partial(write, partial(forget, folder))
    rows = size.rows(REQUESTS)
    timed(script(CHOOSE, str(max(1, rows // 10))), folder, 1)
    few = in_turns(size.repeats, empty, write)
    timed(script(CHOOSE, str(rows)), folder, 1)
    peers = (script(BARE, "own"), script(BARE), script(READ), script(READ, "start"))
    cold, warm, own, our, read, started = in_turns(
        size.repeats, empty, write, *(partial(timed, peer, folder, 1) for peer in peers)
    )
    work, dearer = f"{rows} requests", cold.seconds / few[0].seconds
    for name, bare, of in (
        ("generate text, cold store", own, "its own"),
        ("generate text, cold store, our blocks", our, "our"),
    ):
        against = f"vLLM alone, blocks of {of} size, both with start-up"
        yield at_least(name, work, cold, bare.seconds, against, 1, growth=dearer)
    growth = warm.seconds / few[1].seconds
    for name, bare, against in (
        ("generate text, warm store", read, "SQLite alone, both with start-up"),
        ("generate text, warm store, like start", started, "SQLite alone after the same imports"),
    ):
        yield at_most(name, work, warm, bare.seconds, against, 3, growth=growth)


def described(size: Size, folder: Path, pictures: int) -> Line:
    """Pictures in words; the reference is not a peer but the time that they may take."""
    again = partial(forget, folder)
    few = timed(script(DESCRIBE, str(max(1, pictures // 10))), folder, size.repeats, again)
    ours = timed(script(DESCRIBE, str(pictures)), folder, size.repeats, again)
    return at_most("describe", f"{pictures} pictures of up to 1280 px", ours, pictures * SECONDS,
                   "the limit, 2 pictures/s", 1, MIB, ours.seconds / few.seconds)  # fmt: skip


def forget(folder: Path) -> None:
    """Empty the completion store."""
    shutil.rmtree(folder / "data/.work", ignore_errors=True)
