"""What requests are made from: pools of assets and walks through the graph, drawn in bulk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.core.domain import Domain, Walk
from stages.core.prompts import Header

Ints = NDArray[np.int64]


Key = tuple[Any, ...]


def stream(seed: int, *names: object) -> np.random.Generator:
    """Random numbers that belong to what `names` name: whatever else is drawn, these stay."""
    told = json.dumps([seed, *names], default=str).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(told).digest()[:16], "big"))


@dataclass(frozen=True)
class Links:
    """The relations of one walk step in compressed rows: node i's lie at starts[i]:starts[i+1]."""

    starts: Ints
    targets: Ints
    cumulative: NDArray[np.float64]

    def step(self, nodes: Ints, rng: np.random.Generator) -> Ints:
        """One neighbour of each node, drawn by edge weight; shape as `nodes`."""
        low = np.where(self.starts[nodes] > 0, self.cumulative[self.starts[nodes] - 1], 0.0)
        high = self.cumulative[self.starts[nodes + 1] - 1]
        drawn = np.searchsorted(
            self.cumulative, low + rng.random(nodes.size) * (high - low), "right"
        )
        return self.targets[np.clip(drawn, self.starts[nodes], self.starts[nodes + 1] - 1)]


@dataclass
class Material:
    """Assets and graph of a pack, with the pools and walks made on first use."""

    domain: Domain
    nodes: pl.DataFrame
    edges: pl.DataFrame
    assets: pl.DataFrame
    seed: int
    by_clicks: bool = False
    _pools: dict[Key, Ints] = field(default_factory=dict)
    _walks: dict[Key, tuple[Ints, list[Links]] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.labels = self.nodes["label"].to_numpy()
        self.node_ids = self.nodes["node_id"].to_numpy()
        numbers = {node: i for i, node in enumerate(self.nodes["node_id"])}
        self.numbered = self.edges.select("relation", "weight").with_columns(
            pl.Series(end, [numbers[node] for node in self.edges[end]], dtype=pl.Int64)
            for end in ("source", "target")
        )
        types = [self.domain.type_of(label) or "" for label in self.nodes["label"]]
        self.types = np.array(types, dtype=object)

    def key(self, source: str, header: Header, function: str, content_type: str) -> Key:
        """What `source` draws from for a template and cell: equal keys draw from the same."""
        if source == "asset":
            types = tuple(sorted(header.asset_types or [content_type]))
            generated = content_type in self.domain.function(function).only_ai_generated
            return source, types, tuple(sorted(header.requires)), generated
        walk = self.domain.walks[source]
        typed = walk.typed or any(step.typed for step in walk.steps)
        return source, content_type if typed else None

    def pool(self, header: Header, function: str, content_type: str) -> Ints | None:
        """Row numbers of the assets that a template may use for a cell, in the order in which they
        are to be used; None if there are none.
        """
        key = self.key("asset", header, function, content_type)
        if key not in self._pools:
            _, types, _, generated = key
            keep = pl.col("content_type").is_in(types)
            for column in header.requires:
                keep &= pl.col(column).is_not_null()
            if generated:
                keep &= pl.col("ai_generated")
            rows = self.assets.with_row_index().filter(keep)["index"].to_numpy().astype(np.int64)
            self._pools[key] = self._ordered(rows, stream(self.seed, *key))
        found = self._pools[key]
        return found if found.size else None

    def _ordered(self, rows: Ints, rng: np.random.Generator) -> Ints:
        """Rows in random order; by clicks, the likelier early the higher the click-through rate.

        Weighted order without replacement: ascending E/w with E exponential (Efraimidis and
        Spirakis 2006). An unknown rate weighs as the mean of the known ones.
        """
        if not self.by_clicks or not rows.size:
            return rng.permutation(rows)
        rates = self.assets["click_through_rate"]
        usual = rates.mean() if rates.count() else 1.0
        weights = np.maximum(rates.fill_null(usual).to_numpy()[rows], 1e-9)
        return rows[np.argsort(rng.exponential(size=rows.size) / weights)]

    def walk(self, name: str, content_type: str | None) -> tuple[Ints, list[Links]] | None:
        """Start nodes and links of a walk for a content type; None if no walk gets through."""
        key = name, content_type
        if key not in self._walks:
            self._walks[key] = self._prepare(self.domain.walks[name], content_type)
        return self._walks[key]

    def _prepare(self, walk: Walk, content_type: str | None) -> tuple[Ints, list[Links]] | None:
        # Backwards: a slot's node is open if every step that starts there has an open neighbour.
        named = self.types == content_type
        open_nodes = {slot: np.ones(len(self.labels), dtype=bool) for slot in walk.slots}
        open_nodes[walk.slot] = (self.nodes["kind"] == walk.kind).to_numpy().copy()
        if walk.typed:
            open_nodes[walk.slot] &= named
        links: list[Links] = []
        for step in reversed(walk.steps):
            if step.typed:
                open_nodes[step.slot] &= named
            kept = self.numbered.filter(pl.col("relation") == step.relation).sort("source")
            kept = kept.filter(pl.Series(open_nodes[step.slot][kept["target"].to_numpy()]))
            sources = kept["source"].to_numpy()
            starts = np.searchsorted(sources, np.arange(len(self.labels) + 1))
            cumulative = kept["weight"].to_numpy().cumsum()
            links.insert(0, Links(starts, kept["target"].to_numpy(), cumulative))
            open_nodes[step.start] &= np.diff(starts) > 0
        start = np.flatnonzero(open_nodes[walk.slot])
        return (start, links) if start.size else None

    def draw_walk(self, name: str, content_type: str | None, n: int) -> dict[str, Ints]:
        """`n` walks: slot -> node numbers of shape (n,), the first of them the same for any n.

        Ask `walk` first whether one gets through.
        """
        prepared = self.walk(name, content_type)
        assert prepared is not None
        start, links = prepared
        walk = self.domain.walks[name]
        # Whole rounds of shuffled starts: every start node before any twice.
        rng = stream(self.seed, name, content_type)
        rounds = [rng.permutation(start) for _ in range(-(-n // start.size))]
        drawn = {walk.slot: np.concatenate(rounds)[:n]}
        for step, link in zip(walk.steps, links, strict=True):
            rng = stream(self.seed, name, content_type, step.slot)
            drawn[step.slot] = link.step(drawn[step.start], rng)
        return drawn

    def serves(self, header: Header, function: str, content_type: str) -> bool:
        """Whether the pack has all that a template needs for a cell."""
        return all(
            (self.pool(header, function, content_type) is not None)
            if source == "asset"
            else (self.walk(source, content_type) is not None)
            for source in header.sources
        )
