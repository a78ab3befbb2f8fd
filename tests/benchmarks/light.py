"""What waits for nothing: `--help` of the light stages, and `dvc repro` with nothing to do."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.frame import ROOT, Line, Size, at_most, script, stage, timed

STAGES = ("ingest_graph", "ingest_assets", "population", "route", "validate")
# Those of them that need nothing that a model wrote.
MADE = ("ingest_graph", "ingest_assets", "population", "route")


def clone(folder: Path) -> None:
    """The repository as last committed, with the stages of MADE run by DVC."""
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    timed(dvc("repro", *MADE), folder, 1, None, **surroundings())
    status = subprocess.run(
        dvc("status", *MADE), cwd=folder, env=os.environ | surroundings(), capture_output=True
    )
    if b"up to date" not in status.stdout:
        raise SystemExit(f"error: something is left to do:\n{status.stdout.decode()}")


def dvc(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "dvc", *arguments]


def surroundings() -> dict[str, str]:
    """The environment in which a stage's `python` is this one."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
    }


def lines(size: Size) -> Iterator[Line]:
    peer = "import duckdb, polars"
    bare = timed(script(peer), ROOT, size.repeats)
    for name in STAGES:
        ours = timed(stage(name, "--help"), ROOT, size.repeats)
        yield at_most(f"{name} --help", "one start", ours, bare.seconds, peer, 2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone"
        clone(folder)
        idle = timed(dvc("repro", *MADE), folder, size.repeats, None, **surroundings())
        status = timed(dvc("status", *MADE), folder, size.repeats, None, **surroundings())
        yield at_most(
            "dvc repro, nothing to do", f"a clone, its {len(MADE)} stages before generate",
            idle, status.seconds, "dvc status", 1.5,
        )  # fmt: skip
