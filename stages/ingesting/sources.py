"""A source is one SQL file in the pack; DuckDB runs it, the table's contract sorts its rows."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from mmap import ACCESS_READ, mmap
from pathlib import Path

import duckdb
import polars as pl

from stages.contracts.command import InputError
from stages.contracts.files import check
from stages.contracts.tables import SourceRejects, Table, empty

# Bytes: the longest line that DuckDB reads, and what it looks at to find delimiter and quotes.
MAX_LINE = 2_000_000
SNIFFED = 32 * 2**20
# Rows that are in memory at a time.
BATCH = 1 << 17


def read_sql(sql: Path, pack: Path) -> pl.DataFrame:
    """All rows of one source; see `batches`."""
    return pl.concat(batches(sql, pack))


def batches(sql: Path, pack: Path) -> Iterator[pl.DataFrame]:
    """Run one source's SELECT: frames of up to BATCH rows, at least one, in the source's order.

    It sees the variable `pack` and no file outside the pack. Raises InputError, also on the way.
    """
    folder = str(pack.resolve())
    for file in sorted(sql.parent.glob("*.[ct]sv")):
        check_lines(file)
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
            connection.execute(f"SET VARIABLE pack = {_quoted(folder)}")
            connection.execute(f"SET allowed_directories = [{_quoted(folder + '/')}]")
            connection.execute("SET enable_external_access = false")
            with ThreadPoolExecutor(1) as beside:
                # DuckDB looks at the files meanwhile.
                query = beside.submit(connection.sql, sql.read_text("utf-8"))
                import pyarrow

                reader = query.result().to_arrow_reader(BATCH)
            yield pl.DataFrame(pyarrow.Table.from_batches([], reader.schema))
            for batch in reader:
                yield pl.DataFrame(batch)
    # What DuckDB finds on the way comes from the Arrow reader, as an OSError.
    except (duckdb.Error, UnicodeDecodeError, OSError) as error:
        # DuckDB's text comes with the row that it could not read, and the reason after that.
        words = (w if len(w) < 100 else f"{w[:40]}..." for w in str(error).split())
        raise InputError(f"{sql}: {' '.join(words)[:500]}") from None


def check_lines(file: Path) -> None:
    """InputError for a line among the first that is longer than DuckDB reads: it would try every
    delimiter on it for minutes before it said so.
    """
    size, at = min(file.stat().st_size, SNIFFED), 0
    if size <= MAX_LINE:
        return
    # From line end to the last line end that may follow: a few steps, however many lines.
    with file.open("rb") as stream, mmap(stream.fileno(), size, access=ACCESS_READ) as start:
        while size - at > MAX_LINE:
            end = start.rfind(b"\n", at, at + MAX_LINE + 1)
            if end < 0:
                number = start[:at].count(b"\n") + 1
                raise InputError(
                    f"{file}, line {number}: longer than {MAX_LINE} bytes; a quote that is never "
                    "closed, or not a CSV file"
                )
            at = end + 1


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def sources(folder: Path, names: list[str] | None = None) -> list[Path]:
    """The SQL files of a folder, sorted; InputError if there is none."""
    found = sorted(p for p in folder.glob("*.sql") if names is None or p.stem in names)
    if not found:
        raise InputError(f"{folder} holds no SQL file: write one per source (README, own domain)")
    return found


def sort_rows(
    frame: pl.DataFrame, contract: type[Table], source: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split `frame` into rows that keep the contract and rejects with the reason.

    Of rows that share a key the first is kept. A missing column or a wrong column type is no
    matter of single rows and raises an InputError.
    """
    columns = contract.schema().names()
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InputError(f"{source} lacks the column(s) {missing}: its SELECT must name {columns}")
    frame = frame.select(columns)
    cases = contract.objections(frame)
    if cases is None:
        return frame, empty(SourceRejects)
    broken = cases.filter(pl.col("index").is_null())
    if broken.height:
        first = broken.row(0, named=True)
        raise InputError(f"{source}: column {first['column']}: {first['failure_case']}")
    unique = pl.col("check") == "field_uniqueness"
    keep = cases.filter(unique).group_by("column", "failure_case").agg(pl.col("index").min())
    cases = cases.join(
        keep.with_columns(check=pl.lit("field_uniqueness")),
        on=["column", "failure_case", "check", "index"],
        how="anti",
    )
    reasons = (
        cases.sort("index", "column", "check")
        .group_by("index", maintain_order=True)
        .agg((pl.col("column") + " " + pl.col("check")).unique(maintain_order=True))
        .select(
            pl.col("index").cast(pl.UInt32),
            pl.col("column").list.join(", ").alias("reason"),
        )
    )
    numbered = frame.with_row_index("index")
    rejected = numbered.join(reasons, on="index", how="inner", maintain_order="left")
    rejects = pl.DataFrame(
        {
            "source": [source] * rejected.height,
            "row": [str(row)[:500] for row in rejected.select(columns).iter_rows()],
            "reason": rejected["reason"],
        },
        schema=SourceRejects.schema(),
    )
    good = numbered.join(reasons, on="index", how="anti", maintain_order="left").drop("index")
    return check(good, contract, source), rejects


def check_share(rejects: int, rows: int, allowed: float, what: str) -> None:
    """InputError if nothing was read or more than `allowed` of the rows were rejected."""
    if rows == 0 or rows == rejects:
        raise InputError(f"{what}: no usable row among {rows}; see data/ingested for the reasons")
    if rejects / rows > allowed:
        raise InputError(
            f"{what}: {rejects} of {rows} rows break the contract, more than max_reject_share "
            f"{allowed}; read the rejects table for the reasons"
        )


def count_reasons(rejects: pl.DataFrame) -> dict[str, int]:
    """Rejects per reason, most frequent first."""
    counts = rejects.group_by("reason").len().sort("len", "reason", descending=[True, False])
    return dict(counts.iter_rows())
