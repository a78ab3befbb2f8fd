"""The concepts and relations of a pack's graph, from its sources, and the rows that break rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from stages.core import text
from stages.core.tables import Edges, Nodes, SourceRejects, empty
from stages.ingest import graph, sources

# graph/concepts*.sql and graph/relations*.sql, and the tables that they become.
TABLES = {"concepts": Nodes, "relations": Edges}
# What a SELECT may omit: a concept of any locale, a relation like any other.
DEFAULTS: Mapping[str, Any] = {"locale": "", "weight": 1.0}


class Concepts(NamedTuple):
    """A graph that holds: nodes and edges as their contracts have them, the edges' numbers
    (`graph.coded`); the rejected rows, and how many rows there were.
    """

    nodes: pl.DataFrame
    edges: pl.DataFrame
    numbers: pl.DataFrame
    rejected: pl.DataFrame
    rows: int


def read(database: sources.Database) -> Concepts:
    """All concepts and relations of a pack. Raises InputError."""
    pack = database.pack
    tables: dict[str, pl.DataFrame] = {}
    rejects: list[pl.DataFrame] = [empty(SourceRejects)]
    read = 0
    for name, contract in TABLES.items():
        parts = []
        for sql in sources.sources(pack / "graph"):
            if not sql.stem.startswith(name):
                continue
            frame = sources.read_sql(sql, pack, database)
            if "label" in frame.columns:
                frame = frame.with_columns(text.cleaned_column(frame["label"]))
            absent = {c: v for c, v in DEFAULTS.items() if c not in frame.columns}
            frame = frame.with_columns(pl.lit(value).alias(c) for c, value in absent.items())
            good, bad = sources.sort_rows(frame, contract, str(sql.relative_to(pack)))
            read += frame.height
            parts.append(good)
            rejects.append(bad)
        tables[name] = pl.concat(parts) if parts else empty(contract)
        # Of a key that two sources share the first is accepted.
        if name == "concepts" and len(parts) > 1:
            good, bad = sources.sort_rows(tables[name], contract, "concepts of several sources")
            tables[name] = good
            rejects.append(bad)
    nodes = tables["concepts"]
    edges, numbers, bad_edges = graph.sort_edges(nodes, tables["relations"])
    rejects.append(
        pl.DataFrame(
            [("relations", row, reason) for row, reason in bad_edges],
            schema=SourceRejects.schema(),
            orient="row",
        )
    )
    unread = pl.concat([empty(SourceRejects), *database.rejects])
    return Concepts(nodes, edges, numbers, pl.concat([unread, *rejects]), read + unread.height)
