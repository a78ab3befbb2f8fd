"""Large tables: ingestion against DuckDB's copy, validate against datasketch.

Inputs are drawn from the pack's own vocabulary with a fixed seed. `--large` adds what takes ten
million rows, once each, to see the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from stages.core import files
from stages.core.tables import ROUTES, Conversations, empty
from stages.dataset import columns, duplicates
from tests.benchmarks.frame import (
    PACK,
    ROOT,
    Line,
    Size,
    Timed,
    at_least,
    at_most,
    in_turns,
    project,
    script,
    stage,
    timed,
)

ROWS = 1_000_000
LARGE = 10_000_000
CHUNK = 1_000_000
# Share of the queries that are a near-duplicate of another.
PLANTED = 0.05
THRESHOLD = 0.8
# datasketch looks at a tenth of the queries; its time grows with their number, not faster.
PEER_SHARE = 10
# Rows of a dataset for which the heuristic route writes about a million candidates.
DATASET = 275_000

# Arguments: what to select, where it goes.
COPY = """
import sys, duckdb
duckdb.sql(f"SET VARIABLE pack = '{sys.argv[3]}'")
duckdb.sql(f"COPY ({sys.argv[1]}\\n) TO '{sys.argv[2]}' (COMPRESSION zstd)")
"""
OURS = """
import sys
import polars as pl
from stages.dataset import dialogues
from stages.core.runs import Runs
none = pl.lit(None, pl.String)
# All of them mean the same, so that each is looked at beside all others.
frame = pl.read_parquet(sys.argv[1]).with_columns(meant=pl.lit(""), check=none, reason=none)
found = dialogues.refused(frame, Runs([]), float(sys.argv[2]), 42)
found.drop_nulls("check").write_parquet(sys.argv[3])
"""
PEER = """
import sys
import polars as pl
from datasketch import MinHash, MinHashLSH
index, refused = MinHashLSH(threshold=float(sys.argv[2]), num_perm=128), 0
for number, text in enumerate(pl.read_parquet(sys.argv[1])["query"]):
    sketch = MinHash(128)
    sketch.update_batch([text[at : at + 3].encode() for at in range(len(text) - 2)])
    if index.query(sketch):
        refused += 1
    else:
        index.insert(number, sketch)
print(refused)
"""
# The heuristic route on one core.
ALONE = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from stages import generate
generate.main(["heuristic"])
"""


class Vocabulary:
    """Words and labels of the pack, from which inputs are drawn."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        labels = pl.read_csv(ROOT / PACK / "graph/concepts.csv", infer_schema=False)
        titles = pl.read_csv(ROOT / PACK / "assets/photos.csv", infer_schema=False)["title"]
        self.concepts = labels
        self.labels = labels["label"]
        self.words = titles.str.to_lowercase().str.split(" ").explode().unique(maintain_order=True)

    def draw(self, values: pl.Series, n: int) -> pl.Series:
        return values.gather(self.rng.integers(0, len(values), n))

    def joined(self, values: pl.Series, least: int, most: int, between: str, n: int) -> pl.Series:
        """`n` texts of `least` to `most` of the values."""
        many = self.rng.integers(least, most + 1, n)
        text = np.repeat(np.arange(n), many)
        frame = pl.DataFrame({"text": text, "value": self.draw(values, len(text))})
        grouped = frame.group_by("text", maintain_order=True).agg(pl.col("value").str.join(between))
        return grouped["value"]


def append(frame: pl.DataFrame, path: Path) -> None:
    """Write `frame` at the end of a CSV file, which may not be there yet."""
    with path.open("ab") as stream:
        frame.write_csv(stream, include_header=stream.tell() == 0)


def write_photos(path: Path, n: int) -> None:
    """`n` photos as the pack's photos.csv has them; a fifth without a click-through rate."""
    path.unlink(missing_ok=True)
    words = Vocabulary(0)
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        number = pl.Series(np.arange(start, start + size)).cast(pl.String).str.zfill(8)
        rates = pl.Series(words.rng.random(size).round(4) / 10).round(4).cast(pl.String)
        photos = pl.DataFrame(
            {
                "asset_id": "PHO-" + number,
                "title": words.joined(words.words, 4, 9, " ", size).str.to_titlecase(),
                "orientation": words.draw(pl.Series(["landscape", "portrait", "square"]), size),
                "width": words.draw(pl.Series([5760, 4000, 6000]), size),
                "height": words.draw(pl.Series([3240, 4000]), size),
                "ai_generated": words.draw(pl.Series(["true", "false"]), size),
                "keywords": words.joined(words.labels, 3, 8, "|", size),
                "topics": words.joined(words.labels.head(40), 1, 3, "|", size),
                "locale": ["en"] * size,
                "click_through_rate": rates.set(pl.Series(words.rng.random(size) < 0.2), None),
            }
        )
        append(photos, path)


def write_graph(folder: Path, n: int) -> None:
    """`n` relations between a tenth as many concepts; each leads to a concept further down."""
    for name in ("concepts", "relations"):
        (folder / f"{name}.csv").unlink(missing_ok=True)
    words = Vocabulary(0)
    size = max(n // 10, 2)
    number = pl.Series(np.arange(size)).cast(pl.String)
    drawn = words.concepts[words.rng.integers(0, words.concepts.height, size)]
    concepts = drawn.with_columns(
        node_id=pl.col("node_id") + "_" + number, label=pl.col("label") + " " + number
    )
    append(concepts, folder / "concepts.csv")
    for start in range(0, n, CHUNK):
        count = min(CHUNK, n - start)
        ends = np.sort(words.rng.integers(0, size, (2, count)), axis=0)
        relations = pl.DataFrame(
            {
                "source": concepts["node_id"].gather(ends[0]),
                "target": concepts["node_id"].gather(ends[1]),
                "relation": words.draw(pl.Series(["calls_for", "depicts", "shows"]), count),
                "weight": (words.rng.random(count) * 0.99 + 0.01).round(2),
            }
        )
        append(relations, folder / "relations.csv")


def write_queries(path: Path, n: int) -> pl.DataFrame:
    """`n` different queries, row, query; returns the planted ones: row, of (row before it).

    A planted near-duplicate is an earlier query with one letter more, of Jaccard similarity
    THRESHOLD or more.
    """
    words = Vocabulary(0)
    originals = words.joined(words.words, 4, 10, " ", n - int(n * PLANTED))
    originals = columns.normalize(originals).unique(maintain_order=True)
    of = words.rng.choice(len(originals), int(n * PLANTED), replace=False)
    longer = originals.gather(of) + words.draw(pl.Series(list("aeiosy")), len(of))
    table = duplicates.shingles(pl.concat([originals, longer]))
    row = np.arange(len(originals), len(originals) + len(longer))
    near = duplicates.jaccard(table, of, row) >= THRESHOLD
    queries = pl.concat([originals, longer])
    frame = pl.DataFrame({"query": queries}).with_row_index("row")
    frame.write_parquet(path)
    return pl.DataFrame({"row": row, "of": of}).filter(pl.Series(near))


def against_copy(
    name: str, limit: float, csv: Path, folder: Path, tenth: Timed | None, repeats: int,
    work: str, peak: float = 3072,
) -> Iterator[Line]:  # fmt: skip
    """Ingestion against DuckDB's copy of the file as it is, and of what the source's SQL makes."""
    out, pack = csv.with_suffix(".parquet"), csv.parents[1]
    mapped = csv.with_suffix(".sql").read_text("utf-8")
    peers = {"file": f"FROM read_csv('{csv}')", "mapped rows": mapped}
    copies = [script(COPY, query, str(out), str(pack)) for query in peers.values()]
    ours, *found = in_turns(
        repeats, partial(timed, stage(name), folder, 1),
        *(partial(timed, copy, csv.parent, 1) for copy in copies),
    )  # fmt: skip
    out.unlink()
    growth = None if tenth is None else ours.seconds / tenth.seconds
    for what, copy in zip(peers, found, strict=True):
        against = f"DuckDB COPY of the {what} to Parquet (zstd)"
        yield at_most(
            f"{name} against {what}", work, ours, copy.seconds, against, limit, peak, growth
        )


@contextmanager
def empty_pack() -> Iterator[Path]:
    """A project whose pack has the sources `photos`, `concepts` and `relations`."""

    def change(params: dict[str, Any]) -> None:
        params["ingest_assets"]["max_pictures"] = 0
        params["ingest_graph"] |= {"max_seconds": 600, "max_memory_gib": 4}  # for ten million rows

    with project(change) as folder:
        for path in (folder / PACK / "assets").iterdir():
            if path.name != "photos.sql":
                path.unlink()
        yield folder


def ingestion(n: int, tenth: bool, repeats: int, peak: float) -> Iterator[Line]:
    """ingest_assets and ingest_graph on `n` rows."""
    with empty_pack() as folder:
        photos, graph = folder / PACK / "assets/photos.csv", folder / PACK / "graph"

        def compared(
            name: str, limit: float, write: Any, path: Path, csv: Path, work: str
        ) -> Iterator[Line]:
            small = None
            if tenth:
                write(path, n // 10)
                small = timed(stage(name), folder, repeats)
            write(path, n)
            yield from against_copy(name, limit, csv, folder, small, repeats, work, peak)

        yield from compared("ingest_assets", 1.5, write_photos, photos, photos, f"{n} rows")
        photos.unlink()
        yield from compared(
            "ingest_graph", 3, write_graph, graph, graph / "relations.csv",
            f"{n} relations, {n // 10} concepts",
        )  # fmt: skip


def peer_on(queries: Path) -> list[Callable[[], Timed]]:
    """datasketch on a tenth of a table's queries; and its imports alone."""
    few = queries.with_name("part.parquet")
    table = pl.read_parquet(queries)
    table.sample(table.height // PEER_SHARE, seed=0).write_parquet(few)
    command = script(PEER, str(few), str(THRESHOLD))
    imports = script("import polars, datasketch")
    return [partial(timed, command, ROOT, 1), partial(timed, imports, ROOT, 1)]


def peer_seconds(peer: Timed, imports: Timed) -> float:
    """What datasketch needs for all the queries."""
    return imports.seconds + max(0.0, peer.seconds - imports.seconds) * PEER_SHARE


def near_duplicates(size: Size, folder: Path) -> Iterator[Line]:
    """The part of validate that looks for duplicates, on queries with planted ones."""
    n = size.rows(ROWS)
    out = folder / "refused.parquet"

    def over(queries: Path, out: Path) -> Callable[[], Timed]:
        return partial(timed, script(OURS, str(queries), str(THRESHOLD), str(out)), ROOT, 1)

    few, many = folder / "few.parquet", folder / "many.parquet"
    write_queries(few, n // 10)
    planted = write_queries(many, n)
    tenth, peer, imports, full = in_turns(
        size.repeats, over(few, folder / "tenth.parquet"), *peer_on(many), over(many, out)
    )
    # Refused is the later of two, or the earlier for the sake of one before both.
    refused = pl.read_parquet(out)["row"].implode()
    found = planted.select(pl.col("row").is_in(refused) | pl.col("of").is_in(refused)).to_series()
    recall: float = found.mean()  # type: ignore[assignment]
    yield at_least(
        "validate, near-duplicates", f"{n} queries, {PLANTED:.0%} planted, recall {recall:.4f}",
        full, peer_seconds(peer, imports), f"datasketch MinHash LSH, {PEER_SHARE}x a tenth",
        10, recall >= 0.99 and full.peak_mib <= 3072, full.seconds / tenth.seconds,
    )  # fmt: skip


@contextmanager
def planned(rows: int) -> Iterator[Path]:
    """A project in which the heuristic route is planned for a dataset of so many rows."""

    def change(params: dict[str, Any]) -> None:
        params["route"]["rows"] = rows
        params["route"]["weights"] = {"heuristic": 1.0, "text": 0.0, "vision": 0.0}
        params["ingest_assets"]["max_pictures"] = 0

    with project(change) as folder:
        for name in ("ingest_graph", "ingest_assets", "population", "route"):
            timed(stage(name), folder, 1)
        for route in ROUTES[1:]:
            path = folder / f"data/generated/{route}.parquet"
            files.write_table(path, empty(Conversations), Conversations)
        yield folder


def whole(size: Size) -> Iterator[Line]:
    """The heuristic route, and the whole stage validate on what it writes."""
    rows = max(size.rows(DATASET), 1_000)
    written = Path("data/generated/heuristic.parquet")
    write, validate = stage("generate", "heuristic"), stage("validate")
    with planned(rows // 10) as few, planned(rows) as many:
        both, one = in_turns(
            1, partial(timed, write, few, 1), partial(timed, script(ALONE), few, 1)
        )
        all_written = timed(write, many, 1)
        tenth, full, peer, imports = in_turns(
            size.repeats, partial(timed, validate, few, 1), partial(timed, validate, many, 1),
            *peer_on(many / written),
        )  # fmt: skip
        part, n = (pl.read_parquet(side / written).height for side in (few, many))
    yield at_least(
        "generate, heuristic", f"{n} candidates, once", all_written, one.seconds * n / part,
        f"the same on one core; a part of {part}, all times as many", 1,
        all_written.peak_mib <= 3072, all_written.seconds / both.seconds,
    )  # fmt: skip
    yield at_least(
        "validate, whole stage", f"{n} candidates of the heuristic route, judged when written",
        full, peer_seconds(peer, imports), f"datasketch MinHash LSH alone, {PEER_SHARE}x a tenth",
        10, full.peak_mib <= 3072, full.seconds / tenth.seconds,
    )  # fmt: skip


def lines(size: Size) -> Iterator[Line]:
    yield from ingestion(size.rows(ROWS), True, size.repeats, 3072)
    with project() as folder:
        yield from near_duplicates(size, folder)
    yield from whole(size)
    if size.large:
        for line in ingestion(size.rows(LARGE), False, 1, 6144):
            yield replace(line, name=f"{line.name}, large")
