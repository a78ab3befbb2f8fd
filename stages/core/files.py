"""Reading and writing: whole or not at all, and with an error that names the file."""

from __future__ import annotations

import fcntl
import json
import os
import reprlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from stages.core.command import InputError
from stages.core.tables import Table
from stages.core.text import is_valid

# Level 1 writes a third faster than the default, 3, for files a sixth larger.
PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 1, "statistics": False}


# Characters of a line of JSON, at most.
MAX_LINE = 1_000_000


def work_dir() -> Path:
    """Scratch that outlives a stage and an experiment; DVC_ROOT names the parent repository."""
    folder = Path(os.environ.get("DVC_ROOT", ".")) / "data" / ".work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; it takes `path`'s place when the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        if not _is_running(left.name.split(".")[-2]):
            left.unlink(missing_ok=True)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_running(process: str) -> bool:
    """Whether this machine has a process of that number."""
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """A new folder in data/.work, deleted after the block; those that killed processes left behind
    are deleted first.
    """
    with ExitStack() as held:
        guard = os.open(work_dir(), os.O_RDONLY)
        try:
            # Between its making and its lock a folder looks like one that was left behind.
            fcntl.flock(guard, fcntl.LOCK_EX)
            for left in work_dir().glob(f"{prefix}-*"):
                with suppress(FileNotFoundError), _locked(left) as free:
                    if free:
                        shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=work_dir()))
            held.enter_context(_locked(folder))
        finally:
            os.close(guard)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Only one process at a time is in the block; the others say so and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another process does the same work ({path}): waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Whether the folder could be locked; the system unlocks it when the process ends, however."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted-as-given keys and a final newline."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")


def write_timings(stage: str, values: dict[str, Any]) -> None:
    """Write what differs from run to run (seconds, rates, memory, hits of the store) to
    data/.work/timings/STAGE.json, which no one commits: metrics are the same after the same run.
    """
    write_json(work_dir() / "timings" / f"{stage}.json", values)


def read_json(path: str | Path) -> Any:
    """Read JSON; a missing or broken file is an InputError that names it."""
    try:
        return json.loads(Path(path).read_text("utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing: run `dvc repro` to make it") from None
    except RecursionError:
        raise InputError(f"{path} is not valid JSON: nested too deeply") from None
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON: {error}") from None


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """Read one JSON object a line; a broken line is an InputError with its number."""
    return [row for _, row in read_lines(path)]


def read_lines(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The same with the number of each line, from 1; lines without anything are passed over.

    JSON as the standard has it, without NaN, and no key twice in an object.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is missing: name a JSON-lines file that exists")
    # What is not UTF-8 comes as surrogates, so that the error can name its line.
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        number = 0
        while line := lines.readline(MAX_LINE + 1):
            number += 1
            if line.strip():
                try:
                    yield number, _object(line)
                except ValueError as error:
                    raise InputError(f"{path}:{number}: {error}") from None


def _object(line: str) -> dict[str, Any]:
    """The JSON object in a line; ValueError says what is wrong with it."""
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE} characters: one JSON object a line")
    if not is_valid(line):
        raise ValueError("the line is not UTF-8: save the file as UTF-8")
    try:
        row = json.loads(line, parse_constant=_no_constant, object_pairs_hook=_no_key_twice)
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON ({error.msg})") from None
    except RecursionError:
        raise ValueError("not valid JSON (nested too deeply)") from None
    except ValueError as error:  # such as a number of 5,000 digits
        raise ValueError(f"not valid JSON ({error!s:.100})") from None
    if not isinstance(row, dict):
        raise ValueError(f"expected a JSON object, found {reprlib.repr(row)}")
    return row


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(name for n, (name, _) in enumerate(pairs) if name in dict(pairs[:n]))
        raise ValueError(f"the key {twice!r:.60} stands twice")
    return made


def check(frame: pl.DataFrame, contract: type[Table], where: str | Path) -> pl.DataFrame:
    """Return `frame` as `contract` has it, or raise an InputError that names `where`."""
    cases = contract.objections(frame)
    if cases is None:
        return frame
    first = cases.head(5).rows(named=True)
    description = "; ".join(f"{c['column']}: {c['check']} ({c['failure_case']})" for c in first)
    raise InputError(f"{where} breaks the contract {contract.__name__}: {description}")


def write_table(path: str | Path, frame: pl.DataFrame, contract: type[Table]) -> None:
    """Check `frame` with its pandera `contract`, then write it as parquet.

    The same frame gives the same bytes, so DVC keeps what follows cached.
    """
    checked = check(frame, contract, path)
    try:
        with replacing(path) as temporary:
            checked.write_parquet(temporary, **PARQUET)
    except pl.exceptions.PolarsError as error:  # such as a full disk
        raise InputError(f"{path} cannot be written: {error}") from None


def write_batches(path: str | Path, batches: Iterator[pl.DataFrame], contract: type[Table]) -> None:
    """Write frames that keep `contract`, one after another, while they are made.

    The file is the one that `write_table` would write of all of them; what is in memory at a time
    is a few of them. What `batches` raises is raised here.
    """
    raised: list[Exception] = []
    schema = contract.schema()

    def source(*_: object) -> Iterator[pl.DataFrame]:
        try:
            for batch in batches:
                if batch.columns != list(schema):  # polars would leave a wrong name out
                    raise ValueError(f"{path}: columns {batch.columns} in place of {list(schema)}")
                yield batch
        except Exception as error:  # polars would wrap it in an error of its own
            raised.append(error)

    frame = register_io_source(source, schema=schema)
    try:
        with replacing(path) as temporary:
            frame.sink_parquet(temporary, **PARQUET)
            if raised:
                raise raised.pop()  # left there, it would keep itself and DuckDB alive
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path} cannot be written: {error}") from None


def move(source: Path, path: Path) -> None:
    """Move a file to `path`, whole or not at all, from whatever disk."""
    with replacing(path) as temporary:
        shutil.move(source, temporary)


def read_table(path: str | Path, contract: type[Table]) -> pl.DataFrame:
    """Read a parquet table and check it with its pandera `contract`."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is missing: run `dvc repro` to make it")
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path} is not a readable parquet file: {error}") from None
    return check(frame, contract, path)
