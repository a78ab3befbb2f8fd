"""The cores and the type of numbers that a stage computes with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from stages.core import processor


@pytest.mark.parametrize(
    ("text", "most"),
    [("max 100000", None), ("150000 100000", 2), ("50000 100000", 1), ("0 0", None), ("", None)],
)
def test_cores_are_those_of_affinity_and_quota(tmp_path: Path, text: str, most: int | None) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text)
    allowed = len(os.sched_getaffinity(0))
    assert processor.cores(quota) == (min(allowed, most) if most else allowed)
    assert processor.cores(tmp_path / "none") == allowed


@pytest.mark.parametrize(
    ("able", "dtype"),
    [({"avx2": True}, torch.float32), ({"avx512_f": True, "avx512_bf16": False}, torch.float32),
     ({"avx512_bf16": True}, torch.bfloat16), ({"amx_bf16": True}, torch.bfloat16)],
)  # fmt: skip
def test_bfloat16_only_where_it_is_multiplied(
    monkeypatch: pytest.MonkeyPatch, able: dict[str, bool], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert processor.dtype() is dtype


@pytest.mark.parametrize(
    ("given", "spins"),
    [({}, str(processor.SPINS)), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None"),
     ({"GOMP_SPINCOUNT": "7"}, "7")],
)  # fmt: skip
def test_a_stage_sets_how_threads_wait_before_torch(given: dict[str, str], spins: str) -> None:
    told = (
        "import os, sys; from stages.core.command import run; "
        "run(lambda: print(os.environ.get('GOMP_SPINCOUNT'), 'torch' in sys.modules))"
    )
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-c", told], env=clean | given, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [spins, "False"]
