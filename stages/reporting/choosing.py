"""Which rows are shown: a sample by stratum, the same each time, and rows that are asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence

import polars as pl

from stages.core.command import InputError
from stages.core.text import cleaned

# Names that an error lists at most.
SHOWN = 30
LONGEST = 1_000
ORDER = "_order"


def sample(frame: pl.DataFrame, by: Sequence[str], limit: int, key: str) -> pl.DataFrame:
    """At most so many rows, in their order: every combination of `by` first gets one, as far as
    they go, then each as many as its share. key: a column of texts, whose hash decides which.
    """
    if frame.height <= limit:
        return frame
    chances = [hashlib.blake2b(text.encode(), digest_size=8).hexdigest() for text in frame[key]]
    rank = pl.col("chance").rank("ordinal").over(by)
    picked = (
        frame.with_row_index(ORDER)
        .with_columns(chance=pl.Series(chances))
        .with_columns(first=rank == 1, share=(rank - 0.5) / pl.len().over(by))
        .sort("first", "share", "chance", descending=[True, False, False])
        .head(limit)
        .sort(ORDER)
    )
    return picked.select(frame.columns)


def narrowed(frame: pl.DataFrame, **wanted: str | None) -> pl.DataFrame:
    """The rows whose columns have the wanted values, any where None is wanted. Raises InputError
    for a value that no row has, which names those that some have.
    """
    for column, value in wanted.items():
        if value is None:
            continue
        values = sorted(set(frame[column].drop_nulls()))
        if value not in values:
            names = cleaned(", ".join(values[:SHOWN]))[:LONGEST]
            names += ", ..." if len(values) > SHOWN else ""
            raise InputError(f"no row has the {column} {value!r:.80}: there are {names or 'none'}")
        frame = frame.filter(pl.col(column) == value)
    return frame


def with_values(frame: pl.DataFrame, taken: Collection[str] = ()) -> tuple[pl.DataFrame, list[str]]:
    """The frame with a column for each dimension that its strata (JSON) name and it lacks, and the
    names of these; null where a row's stratum has none. taken: names that a column must not have,
    which it is given with "dimension" before them.
    """
    strata = frame["stratum"].unique(maintain_order=True)
    names = list(dict.fromkeys(n for text in strata for n in _values(text)))
    dimensions = {f"dimension {name}" if name in taken else name: name
                  for name in names if name in taken or name not in frame.columns}  # fmt: skip
    table = pl.DataFrame(
        {
            "stratum": strata,
            **{n: [_values(text).get(name) for text in strata] for n, name in dimensions.items()},
        },
        schema={"stratum": pl.String, **dict.fromkeys(dimensions, pl.String)},
    )
    return frame.join(table, "stratum", "left", maintain_order="left"), list(dimensions)


def _values(stratum: str) -> dict[str, str]:
    try:
        value = json.loads(stratum)
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}
