"""What the processor at hand is good at, and how threads that compute share it; torch is imported
inside.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# As `torch.cpu.get_capabilities` names what multiplies bfloat16 in hardware: x86, x86, Arm.
BFLOAT16 = ("amx_bf16", "avx512_bf16", "bf16")
# How often a thread that is done looks whether the others are, before it sleeps. OpenMP's own
# 300,000 keep a core from whoever else needs it for milliseconds, at every barrier.
SPINS = 1_000
# Quota and period of the container, in microseconds, or "max" and a period.
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def dtype() -> torch.dtype:
    """The type in which models compute here: bfloat16 on a GPU and on processors that multiply it,
    float32 on the others, where bfloat16 takes twenty times as long.
    """
    import torch

    able = torch.cpu.get_capabilities()
    fast = torch.cuda.is_available() or any(able.get(name) for name in BFLOAT16)
    return torch.bfloat16 if fast else torch.float32


def cores(quota: Path = QUOTA) -> int:
    """Processor cores that this process may use: its affinity, and its container's quota."""
    allowed = len(os.sched_getaffinity(0))
    try:
        most, period = quota.read_text("utf-8").split()
        return max(1, min(allowed, math.ceil(int(most) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or no limit
        return allowed


def share_cores() -> None:
    """Let the threads of OpenMP, with which torch and vLLM compute, use the cores that there are
    and leave them to others while they wait. Call it before torch is imported; a variable of
    OpenMP's that is set already is kept.
    """
    if cores() < len(os.sched_getaffinity(0)):  # of a quota OpenMP knows nothing
        os.environ.setdefault("OMP_NUM_THREADS", str(cores()))
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))
