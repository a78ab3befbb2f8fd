"""What the ingested tables offer an argument: a column of a source's items, a walk in the graph.

Columns are as the pack's SQL gives them, relations as its graph has them; nothing here knows any.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from stages.core.command import InputError
from stages.core.files import read_table
from stages.core.source_kinds import Graph
from stages.core.tables import Edges, Items, Nodes, empty
from stages.core.vocabulary import MAX_SURFACE

ITEMS, NODES, EDGES = "assets/assets.parquet", "graph/nodes.parquet", "graph/edges.parquet"
# Items of a source, and concepts of a walk, that arguments draw from: of more a part.
MAX_OFFERS = 10_000
# Pairs of a start and what is reached from it, at most.
MAX_PAIRS = 5_000_000
# Before a relation: from its target to its source.
BACKWARDS = "^"
SHOWN = 20


class Offer(NamedTuple):
    """A value that an argument may have. attributes: what else is known of it, for `agrees_with`;
    the content item or the concept that it comes from.
    """

    value: Any
    attributes: Mapping[str, Any]
    asset_ids: tuple[str, ...] = ()
    node_ids: tuple[str, ...] = ()


class Row(NamedTuple):
    """A content item; `locale` None or "" where it is of any; image_path: its picture, if any."""

    asset_id: str
    locale: str | None
    columns: Mapping[str, Any]
    image_path: str | None = None


@dataclass(frozen=True)
class Ingested:
    """rows: name of a file assets/*.sql without its ending -> its items; nodes, edges: the graph as
    their contracts have them.
    """

    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    nodes: pl.DataFrame = field(default_factory=lambda: empty(Nodes))
    edges: pl.DataFrame = field(default_factory=lambda: empty(Edges))

    def column(
        self, source: str, column: str, locales: Sequence[str], whole: bool, beside: str | None
    ) -> list[Offer]:
        """The values of a column, row by row; of a list each item, or the list where it is to be
        `whole`. locales: of the first of them that has rows. beside: a column that must be there,
        too. Raises InputError for a column that is not.
        """
        rows = self.rows.get(source, ())
        names = list(rows[0].columns) if rows else []
        for name in (column, *([beside] if beside else [])):
            if name not in names:
                why = ", by which it is to agree" if name == beside else ""
                raise InputError(
                    f"assets/{source}.sql gives no column {name!r:.60}{why}: name one of "
                    f"{names[:SHOWN]}, or add it to its SELECT"
                )
        rows = _of_locale(rows, [row.locale for row in rows], locales)
        return [
            Offer(value, row.columns, (row.asset_id,))
            for row in rows
            for value in _values(row.columns[column], whole)
        ]

    def walk(self, walk: Graph, locales: Sequence[str], governor: str | None) -> list[Offer]:
        """The labels of the concepts that a walk reaches, each once, in the order of the graph.

        governor: an attribute that says from which concepts, by their labels, it is reached. The
        relations' weights do not matter here. Raises InputError for what the graph does not have.
        """
        pairs = self._starts(walk.start)
        for relation in walk.relations:
            pairs = self._step(pairs, relation, with_starts=governor is not None)
            if pairs.is_empty():
                raise InputError(
                    f"graph.relations: nothing is reached from {walk.start!r:.60} over "
                    f"{walk.relations}: {relation!r:.60} leads on from none of these concepts"
                )
        labels = dict(self.nodes.select("node_id", "label").iter_rows())
        starts: dict[str, list[str]] = {}
        for start, end in pairs.select("start", "end").iter_rows():
            starts.setdefault(end, []).append(labels.get(start, ""))
        reached = self.nodes.filter(pl.col("node_id").is_in(list(starts)))
        if walk.kind is not None:
            kinds = reached["kind"].unique().sort().to_list()
            reached = reached.filter(kind=walk.kind)
            if reached.is_empty():
                raise InputError(
                    f"graph.kind: no concept that is reached is of the kind {walk.kind!r:.60}; "
                    f"they are of {kinds[:SHOWN]}"
                )
        ends = reached.select("node_id", "label").rows()
        by_label: dict[str, tuple[str, list[str]]] = {}
        for node, label in _of_locale(ends, reached["locale"].to_list(), locales):
            if _is_sayable(label):
                by_label.setdefault(label, (node, []))[1].extend(starts[node])
        return [
            Offer(label, {governor: sorted(set(froms))} if governor else {}, (), (node,))
            for label, (node, froms) in _some(list(by_label.items()))
        ]

    def _starts(self, start: str) -> pl.DataFrame:
        """The concepts of a kind, or the one of an id, as pairs with themselves."""
        if self.nodes.is_empty():
            raise InputError("graph: the pack's graph has no concepts: list some in graph/")
        nodes = self.nodes.filter(kind=start)
        if nodes.is_empty():
            nodes = self.nodes.filter(node_id=start)
        if nodes.is_empty():
            kinds = self.nodes["kind"].unique().sort().to_list()
            raise InputError(
                f"graph.start: {start!r:.60} is no kind of a concept, nor a node_id; the graph has "
                f"the kinds {kinds[:SHOWN]}"
            )
        return nodes.select(start="node_id", end="node_id")

    def _step(self, pairs: pl.DataFrame, relation: str, with_starts: bool) -> pl.DataFrame:
        """The pairs one relation further; without starts every end stands once."""
        name = relation.removeprefix(BACKWARDS)
        here, there = ("source", "target") if name == relation else ("target", "source")
        links = self.edges.filter(relation=name).select(end=here, next=there)
        if links.is_empty():
            relations = self.edges["relation"].unique().sort().to_list()
            raise InputError(
                f"graph.relations: no relation is called {name!r:.60}; the graph has "
                f"{relations[:SHOWN]}"
            )
        joined = pairs.join(links, "end", maintain_order="left_right")
        if joined.height > MAX_PAIRS:
            raise InputError(
                f"graph.relations: {joined.height} ways lead over {relation!r:.60}, at most "
                f"{MAX_PAIRS}: start at one concept or at a kind that has fewer"
            )
        subset = ["start", "end"] if with_starts else ["end"]
        return joined.select("start", end="next").unique(subset, keep="first", maintain_order=True)


def _of_locale(
    items: Sequence[Any], theirs: Sequence[str | None], locales: Sequence[str]
) -> Sequence[Any]:
    """The items of the first locale that has some, with those of any locale; all if none has."""
    for locale in locales:
        if locale in theirs:
            pairs = zip(items, theirs, strict=True)
            return [item for item, own in pairs if not own or own == locale]
    return [item for item, own in zip(items, theirs, strict=True) if not own] or items


def _values(held: Any, whole: bool) -> Iterator[Any]:
    """The values in a cell that can be said."""
    values = [held] if whole or not isinstance(held, list) else held
    for value in values:
        parts = value if isinstance(value, list) else [value]
        if parts and all(map(_is_sayable, parts)):
            yield value


def _is_sayable(value: Any) -> bool:
    """Whether people have words for it: of a text, whether it has a letter or digit at all."""
    if isinstance(value, str):
        return len(value) <= MAX_SURFACE and any(map(str.isalnum, value))
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))


def _some(items: Sequence[Any]) -> Sequence[Any]:
    """All items, or MAX_OFFERS of them, always the same, in their order. (At even distances they
    could be all of one kind.)
    """
    if len(items) <= MAX_OFFERS:
        return items
    drawn = random.Random(0).sample(range(len(items)), MAX_OFFERS)
    return [items[i] for i in sorted(drawn)]


def of_tables(
    items: pl.DataFrame, nodes: pl.DataFrame, edges: pl.DataFrame, names: Iterable[str]
) -> Ingested:
    """The rows of these sources, and the graph. items: a table of Items."""
    rows = {}
    for name in names:
        own = items.filter(source=name).select("asset_id", "locale", "columns", "image_path").rows()
        rows[name] = [
            Row(asset_id, locale, json.loads(columns), image_path)
            for asset_id, locale, columns, image_path in _some(own)
        ]
    return Ingested(rows, nodes, edges)


def read(folder: Path, names: Collection[str], with_graph: bool) -> Ingested:
    """What `data/ingested` holds of these sources, and the graph if it is asked for."""
    items = read_table(folder / ITEMS, Items) if names else empty(Items)
    nodes, edges = empty(Nodes), empty(Edges)
    if with_graph:
        nodes, edges = read_table(folder / NODES, Nodes), read_table(folder / EDGES, Edges)
    return of_tables(items, nodes, edges, names)
