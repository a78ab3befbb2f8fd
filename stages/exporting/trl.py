"""TRL: `messages` and `tools`, as `SFTTrainer` takes them (TRL documentation, "Dataset formats",
and trl/trainer/sft_trainer.py).

Parquet, whose two columns say that they are lists of JSON: of JSON lines `datasets` would guess
the columns from the first rows, and round numbers to ten digits after the point.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from stages.core import files
from stages.exporting.sample import Sample, as_json

COLUMNS = ("messages", "tools")
# Rows that are held in memory at a time.
BATCH = 10_000


def row(sample: Sample, number: int) -> dict[str, Any]:
    """The sample as it is; its name is left with it."""
    return {"sample_id": sample.sample_id, "messages": sample.messages, "tools": sample.tools}


def write(folder: Path, split: str, rows: Iterable[dict[str, Any]]) -> None:
    """SPLIT.parquet, which `datasets` loads with the features that its metadata name."""
    parquet(folder, split, rows, ("sample_id",), COLUMNS)


def parquet(
    folder: Path, split: str, rows: Iterable[dict[str, Any]],
    names: Sequence[str], lists: Sequence[str],
) -> None:  # fmt: skip
    """Rows as SPLIT.parquet. names: the columns of texts; lists: those of lists of JSON values."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features, Json, List, Value
    from datasets.table import table_cast

    columns = {name: Value("string") for name in names} | {name: List(Json()) for name in lists}
    schema = Features(columns).arrow_schema
    rest = iter(rows)
    with (
        files.replacing(folder / f"{split}.parquet") as temporary,
        pq.ParquetWriter(temporary, schema) as stream,
    ):
        while part := list(islice(rest, BATCH)):
            texts = {n: [[as_json(one) for one in r[n]] for r in part] for n in lists}
            arrays = {n: pa.array(values, pa.list_(pa.string())) for n, values in texts.items()}
            table = pa.table({n: [r[n] for r in part] for n in names} | arrays)
            stream.write_table(table_cast(table, schema))
