"""Fine-tuning with tool sets: rows a second against TRL's trainer at its best.

The pack `assistant`, whose conversations show a few of more than 60 functions. A tool set serves
many rows, as in the pack's own run; a step has the rows of one set. Otherwise as in `training`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
from transformers import AutoTokenizer

from stages.formats import FORMATS
from stages.training.tokens import encode_table
from tests.benchmarks.frame import Line, Size, project, stage, timed
from tests.benchmarks.training import PEERS, ROOM, ROWS, Races, compare

SET_ROWS, BATCH = 64, 16
STAGES = ("models", "ingest_graph", "ingest_assets", "population", "route", "generate heuristic",
          "generate text", "generate vision", "validate")  # fmt: skip


def assistant(params: dict[str, Any]) -> None:
    params["pack"] = "data/domains/assistant"
    params["route"].update(recipe="heuristic", rows=ROWS)
    params["tools"]["sets"] = ROWS // SET_ROWS


def lines(size: Size) -> Iterator[Line]:
    with project(assistant) as made, tempfile.TemporaryDirectory() as name:
        for one in STAGES:
            timed(stage(*one.split()), made, 1)
        table = pl.read_parquet(made / "data/dataset/train.parquet").sort("tool_set", "sample_id")
        base = made / "models/base/student"
        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
        rows = encode_table(table, tokenizer, ROOM, FORMATS["pythonic"])
        races = Races(rows, base, Path(name), BATCH)
        measured = max(BATCH, size.rows(SET_ROWS - BATCH))
        # TRL needs minutes for a few of these rows: once.
        once = replace(size, repeats=1)
        yield compare("finetune, tool sets", 4, races, measured, PEERS[:1], once)[0]
