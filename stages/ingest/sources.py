"""A source is one SQL file in the pack; DuckDB runs it, the table's contract sorts its rows."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from threading import Thread

import polars as pl

from stages.core import links
from stages.core.command import InputError
from stages.core.files import check, scratch
from stages.core.tables import SourceRejects, Table, empty
from stages.images.pictures import KINDS

# Bytes: the longest line that DuckDB reads, and how much of a file is searched for a longer one.
MAX_LINE = 2_000_000
MAX_SCANNED = 32 * 2**20
# Rows that are in memory at a time.
BATCH = 1 << 17
ROOT = Path(__file__).parents[2]
CHILD = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from stages.ingest import reader; reader.main()"  # noqa: E501
GIB = 2**30
OUTSIDE = "leads out of the pack"
PIPE = 2**20  # bytes between the processes; the system allows that much


class Database:
    """DuckDB in its own process (`reader.py`), for the sources of one pack.

    max_seconds: of one source, per GiB in its folder, and at least once; max_memory_gib: of
    that process. `block` is the stage's block of params.yaml, for the errors.
    """

    def __init__(
        self, pack: Path, max_seconds: float = 50, max_memory_gib: float = 1, block: str = "ingest"
    ) -> None:
        self.pack, self.max_seconds, self.block = pack, max_seconds, block
        self.max_memory_gib = max_memory_gib
        # What DuckDB could not read of the sources so far: rows of SourceRejects.
        self.rejects: list[pl.DataFrame] = []
        self._ended = ExitStack()
        temporary = self._ended.enter_context(scratch("sql")).resolve()
        # Without site hooks and the modules of the caller's folder; its stderr is not for users.
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-c", CHILD, str(int(max_memory_gib * GIB)),
             str(temporary)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=None if os.environ.get("ROUTENATOR_TRACEBACK") else subprocess.DEVNULL,
            # Arrow brings numpy along, whose idle threads would take memory of the limit.
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert self._child.stdin and self._child.stdout
        self._in, self._out = self._child.stdin, self._child.stdout
        with suppress(OSError):
            fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, PIPE)
        self._paths: list[str] | None = None
        self._buffer = bytearray()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._child.wait()
        for stream in (self._in, self._out):
            with suppress(OSError):
                stream.close()
        self._ended.close()

    def stop(self) -> None:
        """End DuckDB, whatever it is doing; from any thread."""
        self._child.kill()

    def batches(self, sql: Path) -> Iterator[pl.DataFrame]:
        """Run one source's SELECT: frames of up to BATCH rows, at least one, in its order.

        It sees the variable `pack` and no file outside the pack. Raises InputError, also on the
        way.
        """
        links.check(sql, self.pack)
        for file in sorted(sql.parent.glob("*.[ct]sv")):
            check_lines(file)
        if self._paths is None:  # pictures are not read by SQL, and there may be many
            self._paths = [str(path) for path in links.into_cache(self.pack, but=tuple(KINDS))]
        try:
            text = sql.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(f"{sql} is not UTF-8 ({error}): save it as UTF-8") from None
        request = {"text": text, "pack": str(self.pack.resolve()), "paths": self._paths,
                   "rows": BATCH}  # fmt: skip
        size = sum(file.stat().st_size for file in sql.parent.iterdir() if file.is_file())
        seconds = self.max_seconds * max(1.0, size / GIB)
        end = time.monotonic() + seconds
        name = str(sql.relative_to(self.pack)) if sql.is_relative_to(self.pack) else str(sql)
        try:
            self._in.write(json.dumps(request).encode() + b"\n")
            self._in.flush()
            while True:
                kind, content = self._frame(end)
                if kind == b"z":
                    return
                if kind == b"e":
                    raise InputError(f"{sql}: {self._advised(content.decode())}")
                frame = pl.read_ipc_stream(content)
                if kind == b"r":
                    self.rejects.append(
                        frame.select(pl.lit(name).alias("source"), "row", "reason").cast(
                            SourceRejects.schema()  # type: ignore[arg-type]
                        )
                    )
                else:
                    yield frame
        except TimeoutError:
            self.stop()
            raise InputError(
                f"{sql}: not done after {seconds:g} s: perhaps its SELECT has no end; if it only "
                f"takes that long, raise {self.block}.max_seconds"
            ) from None
        except (EOFError, BrokenPipeError):
            code = self._child.wait()
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise InputError(
                f"{sql}: DuckDB came to a sudden end ({how}): perhaps it needs more than "
                f"{self.block}.max_memory_gib {self.max_memory_gib:g}"
            ) from None
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise InputError(f"{sql}: {' '.join(str(error).split())[:500]}") from None

    def _frame(self, end: float) -> tuple[bytes, bytes]:
        head = self._read(9, end)
        return head[:1], self._read(int.from_bytes(head[1:], "little"), end)

    def _read(self, size: int, end: float) -> bytes:
        """`size` bytes of DuckDB's output; TimeoutError after `end`, EOFError if it has ended."""
        if len(self._buffer) < size:  # reused: to allocate costs more than to read
            self._buffer = bytearray(size)
        view, handle, offset = memoryview(self._buffer)[:size], self._out.fileno(), 0
        while offset < size:
            left = end - time.monotonic()
            if left <= 0 or not select.select([handle], [], [], left)[0]:
                raise TimeoutError
            if (count := os.readv(handle, [view[offset:]])) == 0:
                raise EOFError
            offset += count
        return bytes(view)

    def _advised(self, text: str) -> str:
        if not text.startswith("Out of Memory"):
            return text
        return f"{text[:120]}; raise {self.block}.max_memory_gib, or ask for less in the SELECT"


def interruptible(work: Callable[[], None], database: Database) -> None:
    """Run `work` in a thread beside the main one, which is free to hear signals: polars does not
    return for one. An error of `work` is raised here.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.1)  # without an end it would not wake for a signal to another thread
    except BaseException:
        database.stop()  # the thread's next look at it is an error, at which it tidies up
        thread.join(1)
        raise
    if raised:
        raise raised[0]


def read_sql(sql: Path, pack: Path, database: Database | None = None) -> pl.DataFrame:
    """All rows of one source; see `Database.batches`. InputError if they take too much memory."""
    if database is None:
        with Database(pack) as database:
            return read_sql(sql, pack, database)
    parts, size = [], 0.0
    for part in database.batches(sql):
        parts.append(part)
        size += part.estimated_size()
        if size > database.max_memory_gib * GIB:
            raise InputError(
                f"{sql}: its rows take more than {database.block}.max_memory_gib "
                f"{database.max_memory_gib:g}: raise it, or ask for less in the SELECT"
            )
    return pl.concat(parts)


def batches(sql: Path, pack: Path) -> Iterator[pl.DataFrame]:
    """The rows of one source on its own; see `Database.batches`."""
    with Database(pack) as database:
        yield from database.batches(sql)


def check_lines(file: Path) -> None:
    """InputError for a line among the first that is longer than DuckDB reads, which would look at
    it for minutes before it said so; and for a first line without text, after which it takes the
    header for a row as well.
    """
    size, offset = min(file.stat().st_size, MAX_SCANNED), 0
    with file.open("rb") as stream:
        if stream.readline(MAX_LINE).removeprefix(b"\xef\xbb\xbf").isspace():
            raise InputError(f"{file} begins with a line without text: remove it")
    if size <= MAX_LINE:
        return
    # From line end to the last line end that may follow: a few steps, however many lines.
    with file.open("rb") as stream, mmap(stream.fileno(), size, access=ACCESS_READ) as start:
        while size - offset > MAX_LINE:
            end = start.rfind(b"\n", offset, offset + MAX_LINE + 1)
            if end < 0:
                number = start[:offset].count(b"\n") + 1
                raise InputError(
                    f"{file}, line {number}: longer than {MAX_LINE} bytes; a quote that is never "
                    "closed, or not a CSV file"
                )
            offset = end + 1


def sources(folder: Path, names: list[str] | None = None) -> list[Path]:
    """The SQL files of a folder, sorted; InputError if there is none."""
    files = sorted(p for p in folder.glob("*.sql") if names is None or p.stem in names)
    if not files:
        raise InputError(f"{folder} holds no SQL file: write one per source (README)")
    return files


def typed(frame: pl.DataFrame, contract: type[Table], source: str) -> pl.DataFrame:
    """The contract's columns, in its types where nothing is lost, and those that follow as they
    are; lists without their nulls and blanks.

    InputError for a missing column, or one of another type: that is not about single rows.
    """
    wanted = contract.schema()
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise InputError(
            f"{source} lacks the column(s) {missing}: its SELECT must name {wanted.names()}"
        )
    cast = {}
    for name, dtype in wanted.items():
        actual = frame.schema[name]
        if actual == dtype:
            continue
        if not _keeps_all(actual, dtype):
            raise InputError(
                f"{source}: column {name} is {_sql(actual)}, not {_sql(dtype)}: write "
                f"{_conversion(name, actual, dtype)} AS {name}"
            )
        cast[name] = dtype
    frame = frame.cast(cast) if cast else frame  # type: ignore[arg-type]
    lists = [name for name, dtype in wanted.items() if isinstance(dtype, pl.List)]
    # There are seldom nulls or blanks in them; all lists are checked in parallel.
    items = [frame[name].drop_nulls().list.explode(empty_as_null=False) for name in lists]
    whole = pl.select(
        _says_something(pl.lit(item)).all().alias(name)
        for name, item in zip(lists, items, strict=True)
    )
    return frame.with_columns(
        pl.col(name).list.filter(_says_something(pl.element()))
        for name in lists
        if not whole[name].item()
    )


def _says_something(text: pl.Expr) -> pl.Expr:
    return text.is_not_null() & (text.str.strip_chars() != "")


def _keeps_all(actual: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether every value of the one type is one of the other."""
    if isinstance(actual, pl.List | pl.Array) and isinstance(wanted, pl.List):
        inner = actual.inner
        return inner == wanted.inner or _keeps_all(inner, wanted.inner)  # type: ignore[arg-type]
    if isinstance(actual, pl.Null):
        return True
    if isinstance(wanted, pl.String):
        return isinstance(actual, pl.Categorical | pl.Enum) or actual.is_integer()
    if isinstance(wanted, pl.Float64):
        return isinstance(actual, pl.Float32 | pl.Decimal) or actual.is_integer()
    return isinstance(wanted, pl.Int64) and actual.is_integer() and actual != pl.UInt64


def _sql(dtype: pl.DataType) -> str:
    """The type as DuckDB names it."""
    if isinstance(dtype, pl.List):
        return f"{_sql(dtype.inner)}[]"  # type: ignore[arg-type]
    names = {pl.String: "VARCHAR", pl.Int64: "BIGINT", pl.Int32: "INTEGER", pl.Float64: "DOUBLE",
             pl.Boolean: "BOOLEAN", pl.Date: "DATE", pl.Binary: "BLOB"}  # fmt: skip
    return names.get(dtype.base_type(), str(dtype).upper())  # type: ignore[arg-type]


def _conversion(name: str, actual: pl.DataType, wanted: pl.DataType) -> str:
    if isinstance(wanted, pl.List) and isinstance(actual, pl.String):
        return f"string_split({name}, ',')"
    return f"TRY_CAST({name} AS {_sql(wanted)})"


def sort_rows(
    frame: pl.DataFrame, contract: type[Table], source: str, is_typed: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split `frame` into rows that keep the contract and rejects with the reason.

    Of rows that share a key the first is accepted. A missing column or a wrong column type is not
    about single rows and raises an InputError: see `typed`, which is applied unless the frame
    `is_typed`.
    """
    columns = contract.schema().names()
    frame = (frame if is_typed else typed(frame, contract, source)).select(columns)
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


def check_share(
    rejects: int, rows: int, allowed: float, what: str, reasons: dict[str, int] | None = None
) -> None:
    """InputError if nothing was read or more than `allowed` of the rows were rejected.

    reasons: as `count_reasons` gives them; the first is in the message.
    """
    first_reason = next(iter(reasons or {}), "")
    detail = f"; most often: {first_reason}" if first_reason else ""
    if OUTSIDE in first_reason:
        detail += f" ({links.ADVICE})"
    if rows == 0 or rows == rejects:
        raise InputError(
            f"{what}: no usable row among {rows}; see data/ingested for the reasons{detail}"
        )
    if rejects / rows > allowed:
        raise InputError(
            f"{what}: {rejects} of {rows} rows break the contract, more than max_reject_share "
            f"{allowed}; read the rejects table for the reasons{detail}"
        )


def count_reasons(rejects: pl.DataFrame) -> dict[str, int]:
    """Rejects per reason, most frequent first."""
    counts = rejects.group_by("reason").len().sort("len", "reason", descending=[True, False])
    return dict(counts.iter_rows())
