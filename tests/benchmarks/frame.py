"""What every benchmark shares: timed processes, copies of the project, lines of the table."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
# The pack of params.yaml.
PACK = "data/domains/creative"


@dataclass(frozen=True)
class Timed:
    """Medians of the repetitions: wall seconds; the largest peak of memory, in MiB."""

    seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Line:
    """One line of the table. Seconds of the same work, ours and the reference's."""

    name: str
    work: str
    ours: float
    reference: float
    against: str
    # The figure that is judged: by default ours / reference; for a speed-up reference / ours.
    ratio: float
    goal: str
    met: bool
    peak_mib: float
    # Cost of ten times the work, as a multiple; None where it was not measured.
    growth: float | None = None


@dataclass(frozen=True)
class Size:
    """`scale` multiplies the work of every benchmark; 1 is what the goals are stated for.

    `large`: also the lines that run once and take long.
    """

    repeats: int = 5
    scale: float = 1.0
    large: bool = False

    def rows(self, full: int) -> int:
        return max(1, round(full * self.scale))


# Starts what it is told to and writes seconds, exit status and KiB at the peak to a file. A process
# of its own, and a small one: the system counts the memory of the process that starts another into
# that one's peak, and a benchmark has millions of rows.
LAUNCH = """
import os, sys, time
began = time.perf_counter()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)  # with the memory of its children that it waited for
seconds = time.perf_counter() - began
with open(sys.argv[1], "w") as out:
    out.write(f"{seconds} {os.waitstatus_to_exitcode(status)} {used.ru_maxrss}")
"""


def timed(command: Sequence[str], cwd: Path, repeats: int, before: Callable[[], None] | None = None,
          **environment: str) -> Timed:  # fmt: skip
    """Run `command` `repeats` times, each in a process of its own; `before` is not timed."""
    seconds, peak = [], 0.0
    for _ in range(repeats):
        if before:
            before()
        with tempfile.TemporaryFile("w+") as out, tempfile.NamedTemporaryFile("r") as measured:
            subprocess.run(
                [sys.executable, "-I", "-S", "-c", LAUNCH, measured.name, *command],
                cwd=cwd, stdout=out, stderr=subprocess.STDOUT, env=os.environ | environment,
                check=True,
            )  # fmt: skip
            took, status, kib = measured.read().split()
            if int(status):
                out.seek(0)
                raise SystemExit(f"error: {' '.join(command)} failed:\n{out.read()[-4000:]}")
        seconds.append(float(took))
        peak = max(peak, int(kib) / 1024)
    return Timed(median(seconds), peak)


def in_turns(repeats: int, *runs: Callable[[], Timed]) -> list[Timed]:
    """Each of `runs` times one run; all of them in turns, so that a slower hour of the machine
    meets all alike.
    """
    rounds = [[run() for run in runs] for _ in range(repeats)]
    return [
        Timed(median(one.seconds for one in side), max(one.peak_mib for one in side))
        for side in zip(*rounds, strict=True)
    ]


def stage(name: str, *arguments: str) -> list[str]:
    """The command of a stage."""
    return [sys.executable, "-m", f"stages.{name}", *arguments]


def script(text: str, *arguments: str) -> list[str]:
    """The command of a few lines of Python."""
    return [sys.executable, "-c", text, *arguments]


@contextmanager
def project(change: Callable[[dict[str, Any]], None] = lambda params: None) -> Iterator[Path]:
    """A temporary folder with the project's code and pack, and params.yaml changed by `change`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("stages", "prompts", "data/domains"):
            hidden = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, folder / part, ignore=hidden)
        yaml = YAML()
        params = yaml.load(ROOT / "params.yaml")
        change(params)
        yaml.dump(params, folder / "params.yaml")
        yield folder


def at_most(name: str, work: str, ours: Timed, reference: float, against: str, limit: float,
            peak: float = 3072, growth: float | None = None) -> Line:  # fmt: skip
    """A line whose time may be `limit` times the reference, and whose memory `peak` MiB."""
    ratio = ours.seconds / reference
    return Line(name, work, ours.seconds, reference, against, ratio, f"at most {limit:g}x",
                ratio <= limit and ours.peak_mib <= peak, ours.peak_mib, growth)  # fmt: skip


def at_least(name: str, work: str, ours: Timed, reference: float, against: str, factor: float,
             met: bool = True, growth: float | None = None) -> Line:  # fmt: skip
    """A line that should be `factor` times as fast as the reference; `met`: other conditions."""
    ratio = reference / ours.seconds
    return Line(name, work, ours.seconds, reference, against, ratio, f"at least {factor:g}x",
                ratio >= factor and met, ours.peak_mib, growth)  # fmt: skip
