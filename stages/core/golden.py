"""A golden file: queries with the calls that are right for them, read and checked."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from stages.core import files
from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.text import MAX_QUERY, composed, is_valid

COLUMNS = ("query", "function", "content_type", "extracted_prompt")
Row = dict[str, Any]


def _csv(path: Path) -> list[Row]:
    with path.open("rb") as stream:  # so that polars sees no pattern of names in the path
        return _rows(pl.read_csv(stream, infer_schema=False))


def _parquet(path: Path) -> list[Row]:
    with path.open("rb") as stream:
        return _rows(pl.read_parquet(stream))


def _rows(frame: pl.DataFrame) -> list[Row]:
    return frame.select(name for name in COLUMNS if name in frame.columns).to_dicts()


# Rows of a file that has no lines to tell; .jsonl has.
READERS: dict[str, Callable[[Path], list[Row]]] = {".csv": _csv, ".parquet": _parquet}
JSONL = ".jsonl"


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
            return f"`{column}` is {reprlib.repr(value)}: it must be text"
        if len(value) > MAX_QUERY:
            return f"`{column}` has {len(value)} characters: it must have at most {MAX_QUERY}"
        if not is_valid(value):
            return f"`{column}` holds half a surrogate pair ({value!a:.60}): write the character"
    known = {
        "function": [function.name for function in domain.functions],
        "content_type": list(domain.content_types),
    }
    for column, allowed in known.items():
        if composed(row[column]) not in allowed:
            return f"{column} {row[column]!r:.60} is unknown: use one of {', '.join(allowed)}"
    return None


def check(
    rows: list[Row], domain: Domain, where: str | Path, lines: list[int] | None = None
) -> pl.DataFrame:
    """The rows as a frame: golden_id (row number, from 1) and the four columns, in the form NFC.

    lines: of the file `where`, if each row has one. Raises InputError with the first bad row, its
    value and how many more there are.
    """
    if not rows:
        raise InputError(f"{where} holds no golden queries: add rows with {', '.join(COLUMNS)}")
    bad = [(n, told) for n, row in enumerate(rows, 1) if (told := problem(row, domain))]
    if bad:
        n, told = bad[0]
        line = n if lines is None else lines[n - 1]
        place = f"{where}, row {n}" + (f" (line {line})" if line != n else "")
        more = f" (and {len(bad) - 1} more bad rows)" if len(bad) > 1 else ""
        raise InputError(f"{place}: {told}{more}")
    columns = {column: [composed(row[column]) for row in rows] for column in COLUMNS}
    schema = {"golden_id": pl.Int64, **dict.fromkeys(COLUMNS, pl.String)}
    return pl.DataFrame({"golden_id": range(1, len(rows) + 1), **columns}, schema=schema)


def read(path: str | Path, domain: Domain) -> pl.DataFrame:
    """Read golden queries from .jsonl, .csv or .parquet; further columns are ignored.

    The stages that read a golden file all read it here. Raises InputError when the file is
    missing, unreadable, empty or has a bad row.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind != JSONL and kind not in READERS:
        kinds = ", ".join([JSONL, *READERS])
        raise InputError(f"{path}: cannot read {path.suffix!r}; give one of {kinds}")
    if not path.is_file():
        raise InputError(f"{path} is missing: name a file with golden queries")
    lines = None
    try:
        if kind == JSONL:
            numbered = list(files.read_lines(path))
            lines, rows = [line for line, _ in numbered], [row for _, row in numbered]
        else:
            rows = READERS[kind](path)
    except pl.exceptions.NoDataError:
        rows = []
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{path} is not a readable {path.suffix[1:]} file: {told:.200}") from None
    return check(rows, domain, path, lines)
