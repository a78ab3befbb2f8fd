"""Rows on several cores: the same answers, and no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from stages.checking import parallel, rows
from stages.checking.contamination import Golden
from stages.contracts.domain import Domain

SLOW = """
import os, sys, time
import polars as pl
from stages.checking import parallel

def work(part):
    print(os.getpid(), flush=True)
    time.sleep(60)
    return [0] * part.height

parallel.LEAST = 1
if __name__ == "__main__":
    parallel.over_rows(work, pl.DataFrame({"n": range(10)}))
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core works alone")
def test_processes_give_what_one_gives(creative: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = [f"find {n} photos of a red panda" for n in ("two", "a", "http://x.y", "")]
    frame = pl.DataFrame({"query": queries * 50}).with_columns(
        function=pl.lit("Search"), content_type=pl.lit("Photo"),
        accepted=pl.int_range(200) % 7 > 0, reason=pl.lit("length: too long"),
    )  # fmt: skip
    given = frame, creative, 1.0, Golden(["a red panda"])
    alone = rows.checked(*given)
    monkeypatch.setattr(parallel, "LEAST", 1)
    monkeypatch.setattr(parallel, "PART", 9)
    assert rows.checked(*given).equals(alone)
    assert alone["check"].null_count() not in (0, 200)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core works alone")
def test_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, "slow.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    until = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()
