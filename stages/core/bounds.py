"""Bounds of time and memory for what others wrote and we run or match: templates, patterns."""

from __future__ import annotations

import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def bounded(seconds: float, mib: int) -> Iterator[None]:
    """TimeoutError after `seconds` (in the main thread), MemoryError after `mib` MiB more memory.

    A single step in native code is not interrupted, but for a regular expression.
    """

    def late(*_: object) -> None:
        raise TimeoutError

    alarmed = threading.current_thread() is threading.main_thread()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    if alarmed:
        handler = signal.signal(signal.SIGALRM, late)
        timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    pages = Path("/proc/self/statm")
    if pages.is_file():
        bound = int(pages.read_text().split()[0]) * resource.getpagesize() + mib * 2**20
        if limits[0] == resource.RLIM_INFINITY or limits[0] > bound:
            resource.setrlimit(resource.RLIMIT_AS, (bound, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        if alarmed:
            signal.setitimer(signal.ITIMER_REAL, *timer)
            signal.signal(signal.SIGALRM, handler)
