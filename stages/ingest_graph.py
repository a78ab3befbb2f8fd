"""Stage `ingest_graph`: the pack's knowledge graph as two tables.

Command: python -m stages.ingest_graph
Reads:   PACK/domain.yaml, PACK/graph/concepts*.sql and relations*.sql with the files they name
Writes:  data/ingested/graph/{nodes,edges,rejects}.parquet, metrics/ingest_graph.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from stages.core import domain, files, settings, text
from stages.core import pack as packs
from stages.core.command import run
from stages.core.tables import Edges, Nodes, SourceRejects, empty
from stages.ingest import graph, sources
from stages.spine import ingest as spine

OUT = Path("data/ingested/graph")


def main() -> None:
    chosen = settings.load()
    if packs.is_pack(chosen.pack):
        return spine.graph()
    pack, block = Path(chosen.pack), chosen.ingest_graph
    acyclic = domain.load(pack).acyclic
    with sources.Database(
        pack, block.max_seconds, block.max_memory_gib, "ingest_graph"
    ) as database:
        sources.interruptible(lambda: ingest(database, acyclic, block), database)


def ingest(database: sources.Database, acyclic: list[str], block: settings.IngestGraph) -> None:
    """Read all sources and write the stage's outputs."""
    pack = database.pack
    tables: dict[str, pl.DataFrame] = {}
    rejects: list[pl.DataFrame] = [empty(SourceRejects)]
    read = 0
    for name, contract in (("concepts", Nodes), ("relations", Edges)):
        parts = []
        for sql in sources.sources(pack / "graph"):
            if not sql.stem.startswith(name):
                continue
            frame = sources.read_sql(sql, pack, database)
            if "label" in frame.columns:
                frame = frame.with_columns(text.cleaned_column(frame["label"]))
            good, bad = sources.sort_rows(frame, contract, str(sql.relative_to(pack)))
            read += frame.height
            parts.append(good)
            rejects.append(bad)
        tables[name] = pl.concat(parts) if parts else empty(contract)
        # A key that two sources share is kept from the first.
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
    rejected = pl.concat([unread, *rejects])
    files.write_table(OUT / "rejects.parquet", rejected, SourceRejects)
    reasons = sources.count_reasons(rejected)
    sources.check_share(
        rejected.height, read + unread.height, block.max_reject_share, str(pack / "graph"), reasons
    )
    graph.check_acyclic(nodes, edges, numbers, acyclic, str(pack / "graph"))
    files.write_table(OUT / "nodes.parquet", nodes, Nodes)
    files.write_table(OUT / "edges.parquet", edges, Edges)
    counted = graph.describe(nodes, edges, numbers)
    metrics = {**counted, "rejected": reasons}
    files.write_json("metrics/ingest_graph.json", metrics)
    print(f"graph: {nodes.height} concepts, {edges.height} relations, {rejected.height} rejects")
    if counted["isolated"]:
        examples: Any = counted["isolated_examples"]
        print(f"warning: {counted['isolated']} isolated concepts, such as {', '.join(examples)}")


if __name__ == "__main__":
    run(main, __doc__)
