"""What templates are filled from: pools of content items and walks through the graph, in bulk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.core.ingested import Row
from stages.core.pack import Pack
from stages.core.pack_files import Walk
from stages.core.prompts import ASSET
from stages.core.strata import FUNCTION, LOCALE, Stratum
from stages.core.templates import Header

Ints = NDArray[np.int64]


Key = tuple[Any, ...]
# By this column items are ordered where `route.asset_order` is click_through_rate.
CLICKS = "click_through_rate"


def columns_of(row: Row) -> dict[str, Any]:
    """An item's columns; a list of words that is empty gets the item's first text."""
    texts = [value for value in row.columns.values() if isinstance(value, str)]
    first = texts[1:2] or texts  # the first of all is its key
    return {
        name: value or first if isinstance(value, list) else value
        for name, value in row.columns.items()
    } | {"asset_id": row.asset_id, "image_path": row.image_path}


def _holds(value: Any, accepted: tuple[str, ...], strictly: bool) -> bool:
    """Whether an item's column is, or holds, an accepted value; strictly: not if it is empty."""
    if value is None or value == "":
        return not strictly
    return not set(accepted).isdisjoint(map(str, value if isinstance(value, list) else [value]))


def stream(seed: int, *names: object) -> np.random.Generator:
    """Random numbers that belong to what `names` name: whatever else is drawn, these stay."""
    text = json.dumps([seed, *names], default=str).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text).digest()[:16], "big"))


@dataclass(frozen=True)
class Links:
    """The relations of one walk step in compressed rows: node i's lie at starts[i]:starts[i+1]."""

    starts: Ints
    targets: Ints
    cumulative: NDArray[np.float64]

    def step(self, nodes: Ints, rng: np.random.Generator) -> Ints:
        """One neighbor of each node, drawn by edge weight; shape as `nodes`."""
        low = np.where(self.starts[nodes] > 0, self.cumulative[self.starts[nodes] - 1], 0.0)
        high = self.cumulative[self.starts[nodes + 1] - 1]
        drawn = np.searchsorted(
            self.cumulative, low + rng.random(nodes.size) * (high - low), "right"
        )
        return self.targets[np.clip(drawn, self.starts[nodes], self.starts[nodes + 1] - 1)]


@dataclass
class Material:
    """Content items and graph of a pack, with the pools and walks made on first use.

    An item serves a stratum if, for each dimension that is also a column of it, its value there is
    the stratum's, a list that holds it, or nothing.
    """

    pack: Pack
    seed: int
    by_clicks: bool = False
    _pools: dict[Key, Ints] = field(default_factory=dict)
    _walks: dict[Key, tuple[Ints, list[Links]] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.pack.ingested is not None
        self.nodes, edges = self.pack.ingested.nodes, self.pack.ingested.edges
        self.rows = [row for rows in self.pack.ingested.rows.values() for row in rows]
        self.items = [columns_of(row) for row in self.rows]
        self.labels, self.node_ids = self.nodes["label"].to_list(), self.nodes["node_id"].to_list()
        numbers = {node: i for i, node in enumerate(self.node_ids)}
        self.numbered = edges.select("relation", "weight").with_columns(
            pl.Series(end, [numbers[node] for node in edges[end]], dtype=pl.Int64)
            for end in ("source", "target")
        )
        frames = self.pack.frames
        frame = next(iter(frames.values()), None)
        named = self.nodes.select("label", "locale").iter_rows()
        self.classes = np.array(
            [frames.get(locale, frame).class_of(label) or "" if frame else ""  # type: ignore[union-attr]
             for label, locale in named],
            dtype=object,
        )  # fmt: skip
        self.argument = frame.argument if frame else ""

    def class_of(self, stratum: Stratum) -> str | None:
        """The stratum's class, by which concepts are told apart; None without one."""
        for name, slots in self.pack.dimensions.items():
            if self.argument and slots.get(stratum[FUNCTION]) == self.argument:
                return stratum.values.get(name)
        return None

    def key(self, source: str, header: Header, stratum: Stratum) -> Key:
        """What `source` draws from for a template and stratum: equal keys draw from the same."""
        if source == ASSET:
            names = {FUNCTION, LOCALE, *self.pack.dimensions} - {*header.items}
            conditions: list[tuple[str, tuple[str, ...], bool]] = [
                (name, (stratum[name],), False) for name in names & self.columns
            ]
            conditions += [
                (name, tuple(sorted(values)), True) for name, values in header.items.items()
            ]
            return source, tuple(sorted(conditions)), tuple(sorted(header.requires))
        walk = self.pack.walks[source]
        typed = walk.typed or any(step.typed for step in walk.steps)
        return source, self.class_of(stratum) if typed else None

    @cached_property
    def columns(self) -> frozenset[str]:
        """All columns of the items."""
        return frozenset(name for item in self.items for name in item)

    def pool(self, key: Key) -> Ints | None:
        """Numbers of the items of a key of ASSET, in the order in which they are to be used; None
        if there are none.
        """
        if key not in self._pools:
            _, conditions, requires = key
            rows = [
                number
                for number, item in enumerate(self.items)
                if all(
                    _holds(item.get(name), values, strictly)
                    for name, values, strictly in conditions
                )
                and all(item.get(name) is not None for name in requires)
            ]
            self._pools[key] = self._ordered(np.array(rows, np.int64), stream(self.seed, *key))
        numbers = self._pools[key]
        return numbers if numbers.size else None

    def _ordered(self, rows: Ints, rng: np.random.Generator) -> Ints:
        """Rows in random order; by clicks, the likelier early the higher the click-through rate.

        Weighted order without replacement: ascending E/w with E exponential (Efraimidis and
        Spirakis 2006). An unknown rate weighs as the mean of the known ones.
        """
        if not self.by_clicks or not rows.size:
            return rng.permutation(rows)
        clicks = [self.items[row].get(CLICKS) for row in rows]
        rates = np.array([np.nan if rate is None else float(rate) for rate in clicks])
        mean = np.nanmean(rates) if np.isfinite(rates).any() else 1.0
        weights = np.maximum(np.where(np.isfinite(rates), rates, mean), 1e-9)
        return rows[np.argsort(rng.exponential(size=rows.size) / weights)]

    def walk(self, name: str, value: str | None) -> tuple[Ints, list[Links]] | None:
        """Start nodes and links of a walk for a class; None if no walk gets through."""
        key = name, value
        if key not in self._walks:
            self._walks[key] = self._prepare(self.pack.walks[name], value)
        return self._walks[key]

    def _prepare(self, walk: Walk, value: str | None) -> tuple[Ints, list[Links]] | None:
        # Backwards: a slot's node is open if every step that starts there has an open neighbor.
        named = self.classes == value
        open_nodes = {slot: np.ones(len(self.nodes), dtype=bool) for slot in walk.slots}
        open_nodes[walk.slot] = (self.nodes["kind"] == walk.kind).to_numpy().copy()
        if walk.typed:
            open_nodes[walk.slot] &= named
        links: list[Links] = []
        for step in reversed(walk.steps):
            if step.typed:
                open_nodes[step.slot] &= named
            relations = self.numbered.filter(pl.col("relation") == step.relation).sort("source")
            relations = relations.filter(
                pl.Series(open_nodes[step.slot][relations["target"].to_numpy()])
            )
            sources = relations["source"].to_numpy()
            starts = np.searchsorted(sources, np.arange(len(self.nodes) + 1))
            cumulative = relations["weight"].to_numpy().cumsum()
            links.insert(0, Links(starts, relations["target"].to_numpy(), cumulative))
            open_nodes[step.start] &= np.diff(starts) > 0
        start = np.flatnonzero(open_nodes[walk.slot])
        return (start, links) if start.size else None

    def draw_walk(self, name: str, value: str | None, n: int) -> dict[str, Ints]:
        """`n` walks: slot -> node numbers of shape (n,), the first of them the same for any n.

        Ask `walk` first whether one gets through.
        """
        prepared = self.walk(name, value)
        assert prepared is not None
        start, links = prepared
        walk = self.pack.walks[name]
        # Whole rounds of shuffled starts: every start node before any twice.
        rng = stream(self.seed, name, value)
        rounds = [rng.permutation(start) for _ in range(-(-n // start.size))]
        drawn = {walk.slot: np.concatenate(rounds)[:n]}
        for step, link in zip(walk.steps, links, strict=True):
            rng = stream(self.seed, name, value, step.slot)
            drawn[step.slot] = link.step(drawn[step.start], rng)
        return drawn

    def serves(self, header: Header, stratum: Stratum) -> bool:
        """Whether the pack has all that a template needs for a stratum."""
        return all(
            (self.pool(key) if source == ASSET else self.walk(*key)) is not None
            for source in header.sources
            for key in [self.key(source, header, stratum)]
        )
