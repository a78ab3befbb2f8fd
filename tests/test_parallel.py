"""Rows on several cores: the same answers, and no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages import generate
from stages.core import settings
from stages.spine import writing

ROOT = Path(__file__).parents[1]
SLOW = """
import os, sys, time
import polars as pl
from stages.core import parallel

def work(part):
    print(os.getpid(), flush=True)
    time.sleep(60)
    return [0] * part.height

parallel.LEAST = 1
if __name__ == "__main__":
    parallel.over_rows(work, pl.DataFrame({"n": range(10)}))
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core works alone")
def test_processes_write_what_one_writes(routed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(routed)
    chosen = settings.load("params.yaml")
    table, _ = generate.requested("heuristic", chosen)
    rows = table.drop("of_function", "of_content_type")[:40].to_dicts()
    alone = writing.by_patterns(chosen)(rows)()
    monkeypatch.setattr(writing, "LEAST", 1)
    monkeypatch.setattr(writing, "PART", 7)
    assert writing.by_patterns(chosen)(rows)() == alone
    assert len({one.query for reply in alone for one in reply.candidates}) > 20


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
    until = time.monotonic() + 120
    while Path(f"/proc/{worker}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()
