"""What waits for nothing: `--help` of the light stages."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.frame import ROOT, Line, Size, at_most, script, stage, timed

STAGES = ("ingest_graph", "ingest_assets", "population", "route", "validate")


def lines(size: Size) -> Iterator[Line]:
    peer = "import duckdb, polars"
    bare = timed(script(peer), ROOT, size.repeats)
    for name in STAGES:
        ours = timed(stage(name, "--help"), ROOT, size.repeats)
        yield at_most(f"{name} --help", "one start", ours, bare.seconds, peer, 2)
