"""Stage `ingest_graph`: the pack's knowledge graph as two tables.

Command: python -m stages.ingest_graph
Reads:   PACK/domain.yaml, PACK/graph/concepts*.sql and relations*.sql with the files they name
Writes:  data/ingested/graph/{nodes,edges,rejects}.parquet, metrics/ingest_graph.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from stages.contracts import domain, files, settings
from stages.contracts.command import run
from stages.contracts.tables import Edges, Nodes, SourceRejects, empty
from stages.ingesting import graph, sources

OUT = Path("data/ingested/graph")


def main() -> None:
    chosen = settings.load()
    pack = Path(chosen.pack)
    tables: dict[str, pl.DataFrame] = {}
    rejects: list[pl.DataFrame] = [empty(SourceRejects)]
    read = 0
    for name, contract in (("concepts", Nodes), ("relations", Edges)):
        parts = []
        for sql in sources.sources(pack / "graph"):
            if not sql.stem.startswith(name):
                continue
            frame = sources.read_sql(sql, pack)
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
    rejected = pl.concat(rejects)
    files.write_table(OUT / "rejects.parquet", rejected, SourceRejects)
    sources.check_share(
        rejected.height, read, chosen.ingest_graph.max_reject_share, str(pack / "graph")
    )
    acyclic = domain.load(pack).acyclic
    graph.check_acyclic(nodes, edges, numbers, acyclic, str(pack / "graph"))
    files.write_table(OUT / "nodes.parquet", nodes, Nodes)
    files.write_table(OUT / "edges.parquet", edges, Edges)
    counted = graph.describe(nodes, edges, numbers)
    metrics = {**counted, "rejected": sources.count_reasons(rejected)}
    files.write_json("metrics/ingest_graph.json", metrics)
    print(f"graph: {nodes.height} concepts, {edges.height} relations, {rejected.height} rejects")
    if counted["isolated"]:
        examples: Any = counted["isolated_examples"]
        print(f"warning: {counted['isolated']} isolated concepts, such as {', '.join(examples)}")


if __name__ == "__main__":
    run(main, __doc__)
