"""Work on the rows of a large table on all cores; the result is that of one."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any

import polars as pl

from stages.core import stopping

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

Rows = pl.DataFrame | list[dict[str, Any]]
# Rows from which on it pays to start processes, and rows that one gets at a time.
LEAST, PART = 20_000, 4_096


def over_rows(
    work: Callable[..., list[Any]], rows: Rows, *shared: Any, least: int = LEAST, part: int = PART
) -> list[Any]:
    """`work(rows, *shared)`, a list with an item for each row that depends on that row alone.

    Of `least` rows or more, each `part` is worked on in one of as many processes as there are
    cores; so `work` is a function of a module, and `shared` can be pickled.
    """
    if len(rows) < least or _cores() == 1:
        return work(rows, *shared)
    packed = pickle.dumps((work, shared))
    parts = (rows[start : start + part] for start in range(0, len(rows), part))
    return [item for part in _pool().map(partial(_work, packed), parts) for item in part]


def _cores() -> int:
    return len(os.sched_getaffinity(0))


@cache
def _pool() -> ProcessPoolExecutor:
    """The processes, started at first use and there until this one ends."""
    from concurrent.futures import ProcessPoolExecutor  # here, so that --help need not wait

    # Forked, a process could inherit a lock that one of polars' threads holds.
    pool = ProcessPoolExecutor(_cores(), multiprocessing.get_context("spawn"), _start)
    # Else its thread may outlive what it needs to end, and complain.
    atexit.register(pool.shutdown)
    return pool


def _start() -> None:
    """In a new process: it leaves Ctrl-C to its parent and ends with it, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping.end_with_parent()  # at once on Linux, also in native code
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@lru_cache(4)
def _unpacked(packed: bytes) -> tuple[Callable[..., list[Any]], tuple[Any, ...]]:
    return pickle.loads(packed)  # type: ignore[no-any-return]


def _work(packed: bytes, part: Rows) -> list[Any]:
    work, shared = _unpacked(packed)
    return work(part, *shared)
