"""Stage `ingest_graph`: the pack's knowledge graph as two tables.

Command: python -m stages.ingest_graph
Reads:   PACK/pack.yaml, PACK/graph/concepts*.sql and relations*.sql with the files they name
Writes:  data/ingested/graph/{nodes,edges,rejects}.parquet, metrics/ingest_graph.json; of a pack
         with worlds (PACK/world) also data/ingested/graph/dependencies.parquet, which of its
         functions feeds which

Of a pack that has no graph all other tables are empty.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from stages.core import files
from stages.core import pack as packs
from stages.core.command import run
from stages.core.pack import Pack
from stages.core.settings import IngestGraph
from stages.core.settings import load as load_settings
from stages.core.tables import Dependencies, Edges, Nodes, SourceRejects, empty
from stages.core.worlds import WORLD
from stages.ingest import concepts, graph, sources

OUT = Path("data/ingested/graph")


def main() -> None:
    settings = load_settings()
    pack, block = packs.folder_of(settings.pack), settings.ingest_graph
    if (pack / WORLD).is_dir():
        write_dependencies(packs.load(pack))
    if not (pack / "graph").is_dir():
        return nothing()
    acyclic = list(packs.load(pack).acyclic)
    with sources.Database(
        pack, block.max_seconds, block.max_memory_gib, "ingest_graph"
    ) as database:
        sources.interruptible(lambda: ingest(database, acyclic, block), database)


def write_dependencies(pack: Pack) -> None:
    """Write the graph of the pack's functions, and say what nobody can use."""
    from stages.worlds import dependencies

    made = dependencies.graph(pack.worlds)
    rows = dependencies.rows(made)
    table = pl.DataFrame(rows, empty(Dependencies).schema)
    files.write_table(OUT / "dependencies.parquet", table, Dependencies)
    print(f"worlds: {len(pack.worlds)}, {made.number_of_nodes()} functions, {len(rows)} ways from "
          "one to another")  # fmt: skip
    for finding in dependencies.findings(pack.worlds):
        print(f"warning: {finding}")


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
