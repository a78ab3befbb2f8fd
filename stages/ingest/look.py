"""What a pack's sources give, for `stages.check`: read as the stages read them, written nowhere."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from stages.core import ingested
from stages.core.pack import Pack
from stages.core.settings import Settings
from stages.core.tables import Edges, Items, Nodes, empty
from stages.ingest import concepts, sources
from stages.ingest.assets import Passed, usable


def with_sources(pack: Pack, settings: Settings) -> tuple[Pack, list[str]]:
    """The pack with what its SQL files give, and notes of rows that are rejected. Pictures are not
    drawn. Raises InputError, as the stages would.
    """
    items, nodes, edges, notes = empty(Items), empty(Nodes), empty(Edges), list[str]()
    if (pack.folder / "assets").is_dir():
        items, notes = _items(pack, settings)
    if (pack.folder / "graph").is_dir():
        nodes, edges, graph_notes = _graph(pack, settings)
        notes += graph_notes
    names, _ = pack.asked
    return replace(pack, ingested=ingested.of_tables(items, nodes, edges, names)), notes


def _items(pack: Pack, settings: Settings) -> tuple[pl.DataFrame, list[str]]:
    block, passed = settings.ingest_assets, Passed()
    with sources.Database(
        pack.folder, block.max_seconds, block.max_memory_gib, "ingest_assets"
    ) as database:
        frames = list(usable(database, passed))
        rejected = pl.concat([*database.rejects, *passed.rejects])
    unread = sum(frame.height for frame in database.rejects)
    table = pl.concat(frames)
    unique = table.unique("asset_id", keep="first", maintain_order=True)
    repeated = table.height - unique.height
    reasons = sources.count_reasons(rejected) | ({"asset_id twice": repeated} if repeated else {})
    count = rejected.height + repeated
    where = str(pack.folder / "assets")
    sources.check_share(count, passed.rows + unread, block.max_reject_share, where, reasons)
    return unique, _notes(where, reasons)


def _graph(pack: Pack, settings: Settings) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    block = settings.ingest_graph
    with sources.Database(
        pack.folder, block.max_seconds, block.max_memory_gib, "ingest_graph"
    ) as database:
        graph = concepts.read(database)
    reasons, where = sources.count_reasons(graph.rejected), str(pack.folder / "graph")
    rejected = graph.rejected.height
    sources.check_share(rejected, graph.rows, block.max_reject_share, where, reasons)
    return graph.nodes, graph.edges, _notes(where, reasons)


def _notes(where: str, reasons: dict[str, int]) -> list[str]:
    return [f"{where}: {n} row(s) are left out: {reason}" for reason, n in reasons.items()]
