"""The pipeline as its user runs it, in a fresh clone of the last commit: `dvc repro` from nothing
against its limit, and with nothing to do against `dvc status`.

No cache, no completions: only what the repository holds, and the installed packages.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.benchmarks.frame import ROOT, Line, Size, at_most, timed

SECONDS = 25 * 60
# Scores on the golden set before training shared its prefixes; they must not fall below.
BEFORE = {"function_f1": 0.990, "cta": 0.935, "ss": 0.961}


def dvc(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "dvc", *arguments]


def surroundings() -> dict[str, str]:
    """The environment in which a stage's `python` is this one."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
    }


def shrink(params: Path, rows: int) -> None:
    """Plan `rows` rows."""
    yaml = YAML()
    chosen: Any = yaml.load(params)
    chosen["route"]["rows"] = rows
    yaml.dump(chosen, params)


def lines(size: Size) -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        rows = size.rows(YAML(typ="safe").load(folder / "params.yaml")["route"]["rows"])
        if size.scale != 1:
            shrink(folder / "params.yaml", rows)
        first = timed(dvc("repro"), folder, 1, None, **surroundings())
        found = json.loads((folder / "metrics/evaluate.json").read_text("utf-8"))["tuned"]
        shown = {what.removeprefix("function_").upper(): found[what] for what in BEFORE}
        told = ", ".join(f"{what} {value:.3f}" for what, value in shown.items())
        line = at_most(
            "dvc repro, from nothing", f"a clone, {rows} rows, scored: {told}", first, SECONDS,
            "the limit, 25 minutes", 1, peak=10 * 1024,
        )  # fmt: skip
        good = size.scale != 1 or all(found[what] >= least for what, least in BEFORE.items())
        yield replace(line, met=line.met and good)
        status = subprocess.run(
            dvc("status"), cwd=folder, env=os.environ | surroundings(), capture_output=True
        )
        if b"up to date" not in status.stdout:
            raise SystemExit(f"error: something is left to do:\n{status.stdout.decode()}")
        idle = timed(dvc("repro"), folder, size.repeats, None, **surroundings())
        looked = timed(dvc("status"), folder, size.repeats, None, **surroundings())
        yield at_most(
            "dvc repro, nothing to do", "the same clone", idle, looked.seconds, "dvc status", 1.5
        )
