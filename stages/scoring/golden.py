"""A golden file: queries with the calls that are right for them, read and checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from stages.contracts import files
from stages.contracts.command import InputError
from stages.contracts.domain import Domain

COLUMNS = ("query", "function", "content_type", "extracted_prompt")


def _csv(path: Path) -> list[dict[str, Any]]:
    return pl.read_csv(path, infer_schema=False).to_dicts()


def _parquet(path: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(path).to_dicts()


READERS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    ".jsonl": files.read_jsonl,
    ".csv": _csv,
    ".parquet": _parquet,
}


def problem(row: dict[str, Any], domain: Domain) -> str | None:
    """What is wrong with a golden row and what to do about it; None if nothing."""
    for column in COLUMNS:
        if column not in row:
            return f"column `{column}` is missing: each row needs {', '.join(COLUMNS)}"
    for column in COLUMNS:
        value = row[column]
        if value is None or (isinstance(value, str) and not value.strip()):
            return f"`{column}` is empty: fill it in or remove the row"
        if not isinstance(value, str):
            return f"`{column}` is {value!r:.60}: it must be text"
    known = {
        "function": [function.name for function in domain.functions],
        "content_type": list(domain.content_types),
    }
    for column, allowed in known.items():
        if row[column] not in allowed:
            return f"{column} {row[column]!r:.60} is unknown: use one of {', '.join(allowed)}"
    return None


def check(rows: list[dict[str, Any]], domain: Domain, where: str | Path) -> pl.DataFrame:
    """The rows as a frame: golden_id (row number, from 1) and the four columns.

    Raises InputError with the first bad row, its value and how many more there are.
    """
    if not rows:
        raise InputError(f"{where} holds no golden queries: add rows with {', '.join(COLUMNS)}")
    bad = [(n, told) for n, row in enumerate(rows, 1) if (told := problem(row, domain))]
    if bad:
        more = f" (and {len(bad) - 1} more bad rows)" if len(bad) > 1 else ""
        raise InputError(f"{where}, row {bad[0][0]}: {bad[0][1]}{more}")
    columns = {column: [row[column] for row in rows] for column in COLUMNS}
    schema = {"golden_id": pl.Int64, **dict.fromkeys(COLUMNS, pl.String)}
    return pl.DataFrame({"golden_id": range(1, len(rows) + 1), **columns}, schema=schema)


def read(path: str | Path, domain: Domain) -> pl.DataFrame:
    """Read golden queries from .jsonl, .csv or .parquet; further columns are ignored.

    Raises InputError when the file is missing, unreadable, empty or has a bad row.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: cannot read {path.suffix!r}; give one of {', '.join(READERS)}")
    if not path.is_file():
        raise InputError(f"{path} is missing: name a file with golden queries")
    try:
        rows = reader(path)
    except pl.exceptions.NoDataError:
        rows = []
    except pl.exceptions.PolarsError as error:
        told = " ".join(str(error).split())
        raise InputError(f"{path} is not a readable {path.suffix[1:]} file: {told:.200}") from None
    return check(rows, domain, path)
