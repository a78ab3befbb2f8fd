"""Rows on several cores: the same answers, and no process left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from stages import generate
from stages.core import parallel, settings
from stages.core.domain import Domain
from stages.dataset import rows
from stages.dataset.contamination import Golden

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
def test_processes_give_what_one_gives(creative: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = [f"find {n} photos of a red panda" for n in ("two", "a", "http://x.y", "")]
    frame = pl.DataFrame({"query": queries * 50}).with_columns(
        function=pl.lit("Search"), content_type=pl.lit("Photo"),
        accepted=pl.int_range(200) % 7 > 0, reason=pl.lit("length: too long"), locale=pl.lit("en"),
        min_words=1, max_words=9, slots=pl.lit("{}"), seal=0,
        extracted_prompt=pl.lit(None, pl.String), position=pl.lit(None, pl.Float64),
    )  # fmt: skip
    given = frame, creative, 1.0, Golden(["a red panda"])
    alone = rows.checked(*given)
    monkeypatch.setattr(rows, "over_rows", partial(parallel.over_rows, least=1, part=9))
    assert rows.checked(*given).equals(alone)
    assert alone["check"].null_count() not in (0, 200)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core works alone")
def test_processes_write_what_one_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    chosen = settings.load("params.yaml")
    slots = dict.fromkeys(("object", "other", "action", "look"), "old barn")
    requests = [
        {"template_id": "heuristic/search_kind_first", "function": "Search", "locale": "en",
         "content_type": "Photo", "min_words": 3, "max_words": 9, "words": 5,
         "type_position": 0.5, "slots": json.dumps(slots), "seed": n}
        for n in range(40)
    ]  # fmt: skip
    alone = generate.heuristic(chosen)(requests)()
    monkeypatch.setattr(generate, "LEAST", 1)
    monkeypatch.setattr(generate, "PART", 7)
    assert generate.heuristic(chosen)(requests)() == alone
    assert len({query for ((query,), *_), _ in alone}) > 20


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
