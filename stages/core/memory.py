"""What the C library does with memory that is freed."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

# Of glibc's mallopt: from which size on memory is mapped for itself, and from how much free memory
# at its end on the heap gives some back.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
KEPT = 2**31 - 1


def keep_freed() -> None:
    """Let the C library keep what is freed for what comes next. A step of a model on a processor
    frees and takes buffers of megabytes by the hundred; asked of the system anew, each page costs a
    fault.
    """
    libc = _glibc()
    if libc:
        libc.mallopt(M_MMAP_THRESHOLD, KEPT)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT)


def give_back() -> None:
    """Give the system what was freed and kept, where something large has ended."""
    libc = _glibc()
    if libc:
        libc.malloc_trim(0)


def _glibc() -> Any:
    """The C library, if it is glibc."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return libc if hasattr(libc, "mallopt") else None
