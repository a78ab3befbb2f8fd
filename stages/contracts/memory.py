"""What the C library does with memory that is freed."""

from __future__ import annotations

import ctypes
import sys

# Of glibc's mallopt: from which size on memory is mapped for itself, and from how much free memory
# at its end on the heap gives some back.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
KEPT = 2**31 - 1


def keep_freed() -> None:
    """Let the C library keep what is freed for what comes next. A step of a model on a processor
    frees and takes buffers of megabytes by the hundred; asked of the system anew, each page costs a
    fault.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # glibc's
            libc.mallopt(M_MMAP_THRESHOLD, KEPT)
            libc.mallopt(M_TRIM_THRESHOLD, KEPT)
