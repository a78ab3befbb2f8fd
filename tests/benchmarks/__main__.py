"""Every stage against its limit or a peer on the same work, in one run.

Command: make bench, or python -m tests.benchmarks [NAME ...] [--repeats 5] [--scale 1.0] [--large]
         python -m tests.benchmarks --markdown
Prints one table; writes metrics/speed.json, where lines of benchmarks not run now stay as
they were, each with the commit whose code it measured. NAME is a module of this folder. Each stage
runs in a process of its own. --markdown runs nothing: it prints the file as README.md here has it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from stages.core import files
from tests.benchmarks.frame import ROOT, Line, Size

NAMES = ("light", "tables", "route", "training", "tool_sets", "writing", "scoring", "together",
         "whole")  # fmt: skip
FILE = ROOT / "metrics" / "speed.json"


def table(lines: list[Line]) -> Table:
    shown = Table("benchmark", "work", "ours (s)", "against", "it (s)", "ratio", "goal", "met",
                  "peak (MiB)", "10x work costs")  # fmt: skip
    for line in lines:
        growth = "" if line.growth is None else f"{line.growth:.1f}x"
        shown.add_row(line.name, line.work, f"{line.ours:.2f}", line.against,
                      f"{line.reference:.2f}", f"{line.ratio:.2f}", line.goal,
                      "yes" if line.met else "no", f"{line.peak_mib:.0f}", growth)  # fmt: skip
    return shown


def markdown(kept: list[dict[str, Any]]) -> str:
    """The lines of metrics/speed.json as a table in Markdown."""
    head = ("benchmark", "work", "ours", "against", "ratio", "goal", "peak", "10x work costs",
            "commit")  # fmt: skip
    rows = [" | ".join(head), "|".join(["---"] * len(head))]
    for line in kept:
        growth = "" if line["growth"] is None else f"{line['growth']:.1f}x"
        cells = (
            line["name"], line["work"], f"{line['ours']:.2f} s",
            f"{line['against']}, {line['reference']:.2f} s",
            f"{line['ratio']:.2f}x", line["goal"] if line["met"] else f"{line['goal']}: missed",
            f"{line['peak_mib']:.0f} MiB", growth, line["commit"],
        )  # fmt: skip
        rows.append(" | ".join(cells))
    return "\n".join(f"| {row} |" if "---" not in row else f"|{row}|" for row in rows)


def commit() -> str:
    """The commit of the code, with a plus where files that Git knows have changed since."""

    def git(*command: str) -> str:
        done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "stages", "tests")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of the work (default: 1)")
    parser.add_argument("--large", action="store_true", help="also ten million rows, once")
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--markdown", action="store_true", help="print --out as Markdown")
    given = parser.parse_args()
    if given.markdown:
        print(markdown(json.loads(given.out.read_text("utf-8"))))
        return
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    setting = {"repeats": given.repeats, "scale": given.scale, "cores": os.cpu_count(),
               "machine": platform.machine(), "commit": commit()}  # fmt: skip
    lines: list[Line] = []
    kept = {}
    if given.out.exists():
        kept = {line["name"]: line for line in json.loads(given.out.read_text("utf-8"))}
    for name in given.names or NAMES:
        print(f"bench: {name}", file=sys.stderr, flush=True)
        module = importlib.import_module(f"tests.benchmarks.{name}")
        for line in module.lines(Size(given.repeats, given.scale, given.large)):
            print(f"bench: {line.name}: {line.ratio:.2f}, {line.goal}", file=sys.stderr, flush=True)
            lines.append(line)
            # At once: the whole takes an hour or more.
            kept[line.name] = asdict(line) | setting
            files.write_json(given.out, list(kept.values()))
    Console(width=None if sys.stdout.isatty() else 200).print(table(lines))


if __name__ == "__main__":
    main()
