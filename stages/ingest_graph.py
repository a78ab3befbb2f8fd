"""Stage `ingest_graph`: the pack's knowledge graph as two tables.

Command: python -m stages.ingest_graph
Reads:   PACK/pack.yaml, PACK/graph/concepts*.sql and relations*.sql with the files they name
Writes:  data/ingested/graph/{nodes,edges,rejects}.parquet, metrics/ingest_graph.json

Of a pack that has no graph all tables are empty.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.core import files
from stages.core import pack as packs
from stages.core.command import run
from stages.core.settings import IngestGraph
from stages.core.settings import load as load_settings
from stages.core.tables import Edges, Nodes, SourceRejects, empty
from stages.ingest import concepts, graph, sources

OUT = Path("data/ingested/graph")


def main() -> None:
    settings = load_settings()
    pack, block = packs.folder_of(settings.pack), settings.ingest_graph
    if not (pack / "graph").is_dir():
        return nothing()
    acyclic = list(packs.load(pack).acyclic)
    with sources.Database(
        pack, block.max_seconds, block.max_memory_gib, "ingest_graph"
    ) as database:
        sources.interruptible(lambda: ingest(database, acyclic, block), database)


def nothing() -> None:
    """The outputs of a pack without a graph."""
    for name, contract in (("nodes", Nodes), ("edges", Edges), ("rejects", SourceRejects)):
        files.write_table(OUT / f"{name}.parquet", empty(contract), contract)
    files.write_json("metrics/ingest_graph.json", {"nodes": 0, "edges": 0})
    print("graph: the pack has none")


def ingest(database: sources.Database, acyclic: list[str], block: IngestGraph) -> None:
    """Read all sources and write the stage's outputs."""
    pack = database.pack
    nodes, edges, numbers, rejected, rows = concepts.read(database)
    files.write_table(OUT / "rejects.parquet", rejected, SourceRejects)
    reasons = sources.count_reasons(rejected)
    sources.check_share(rejected.height, rows, block.max_reject_share, str(pack / "graph"), reasons)
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
