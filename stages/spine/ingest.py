"""Stages `ingest_graph` and `ingest_assets`: packs of this form have neither source yet, so their
tables are empty.
"""

from __future__ import annotations

from stages.core import files
from stages.core.tables import Assets, Edges, Nodes, SourceRejects, empty


def graph() -> None:
    for name, contract in (("nodes", Nodes), ("edges", Edges), ("rejects", SourceRejects)):
        files.write_table(f"data/ingested/graph/{name}.parquet", empty(contract), contract)
    files.write_json("metrics/ingest_graph.json", {"nodes": 0, "edges": 0})


def assets() -> None:
    for name, contract in (("assets", Assets), ("rejects", SourceRejects)):
        files.write_table(f"data/ingested/assets/{name}.parquet", empty(contract), contract)
    files.write_json("metrics/ingest_assets.json", {"assets": 0})
