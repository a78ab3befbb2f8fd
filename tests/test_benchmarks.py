"""The benchmarks' own measuring, and that their README shows what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as bench
from tests.benchmarks import tables
from tests.benchmarks.frame import ROOT, Size, script, timed
from tests.conftest import slowness


def test_memory_is_that_of_the_process_alone(tmp_path: Path) -> None:
    ours = bytearray(300 * 2**20)
    ours[:: 2**12] = b"x" * len(ours[:: 2**12])
    few = timed(script("pass"), tmp_path, 1).peak_mib
    many = timed(script("bytearray(b'x') * (100 * 2**20)"), tmp_path, 1).peak_mib
    assert few < 100 < many < 200


def test_median_and_preparation_are_not_mixed(tmp_path: Path) -> None:
    took = timed(script("import time; time.sleep(0.3)"), tmp_path, 2, (tmp_path / "n").touch)
    assert took.seconds >= 0.3
    assert took.seconds < 3 or took.seconds < 3 * slowness()
    assert (tmp_path / "n").exists()


def test_a_command_that_fails_is_shown(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such thing"):
        timed(script("raise SystemExit('no such thing')"), tmp_path, 1)


@pytest.mark.slow
def test_validate_is_measured_on_little(tmp_path: Path) -> None:
    size = Size(1, 0.002)
    (near,) = tables.near_duplicates(size, tmp_path)
    assert near.work.startswith("2000 queries, 5% planted, recall 1.0000")
    lines = list(tables.whole(size))
    assert len(lines) == 2 and all(line.ours > 0 and line.reference > 0 for line in lines)


def test_the_readme_has_the_measured_lines() -> None:
    kept = json.loads((ROOT / "metrics" / "speed.json").read_text("utf-8"))
    text = (ROOT / "tests" / "benchmarks" / "README.md").read_text("utf-8")
    told, _, block = text.partition("<!-- benchmarks -->")
    assert bench.markdown(kept) in block.partition("<!-- /benchmarks -->")[0]
    for line in kept:
        assert f"\n| {line['commit']} |" in told
        missed = f"{line['goal']}: missed"
        assert (missed in bench.markdown([line])) == (not line["met"])
