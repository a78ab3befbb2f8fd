"""Selection: from what was accepted to exactly the wanted distribution."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.core.apportion import apportion
from stages.core.tables import CELL, Cell, cell_of

LAST_RESORT = "heuristic"


def shares(cell: Mapping[str, Any], weights: Mapping[str, float]) -> dict[str, int]:
    """Rows of each route in a cell: its own `routes` if planned, else its quota by weight."""
    if cell.get("routes"):
        return {route: int(n) for route, n in cell["routes"].items()}
    routes = [route for route, weight in weights.items() if weight > 0]
    if not routes:
        return {}
    parts = apportion(cell["quota"], [weights[route] for route in routes])
    return {route: int(n) for route, n in zip(routes, parts, strict=True)}


class Stock:
    """Rows at hand per cell and route, and how many of them are taken."""

    def __init__(self, counts: Mapping[tuple[Cell, str], int]) -> None:
        self.left: dict[Cell, dict[str, int]] = defaultdict(dict)
        for (cell, route), n in counts.items():
            self.left[cell][route] = n
        self.taken: dict[tuple[Cell, str], int] = defaultdict(int)

    def take(self, cell: Cell, route: str, most: int) -> int:
        """Take up to `most` rows; returns how many there were."""
        n = max(0, min(most, self.left[cell].get(route, 0)))
        if n:
            self.left[cell][route] -= n
            self.taken[cell, route] += n
        return n

    def take_any(self, cell: Cell, most: int) -> int:
        """Take up to `most` rows of any route, from the fullest; the heuristic route fills last."""
        got = 0
        for route in sorted(
            self.left[cell], key=lambda r: (r == LAST_RESORT, -self.left[cell][r], r)
        ):
            got += self.take(cell, route, most - got)
        return got


def plan(
    cells: Sequence[Mapping[str, Any]],
    weights: Mapping[str, float],
    counts: Mapping[tuple[Cell, str], int],
) -> tuple[dict[tuple[Cell, str], int], list[dict[str, Any]]]:
    """How many rows to take per cell and route, and the cells that fall short.

    cells: targets.json `cells`; counts: accepted rows per cell and route. A route that falls short
    is filled by others of its cell. What a cell then lacks goes to cells of the same function and
    content type, nearest length band first, so that their joint distribution holds. A shortfall is
    a dict of the cell with `quota`, `lacking`, `moved` (given to other cells) and `lost`.
    """
    stock = Stock(counts)
    bands: dict[str, list[str]] = defaultdict(list)
    for cell in cells:
        if cell["band"] not in bands[cell["function"]]:
            bands[cell["function"]].append(cell["band"])
    lacking: dict[Cell, int] = {}
    for cell in cells:
        here, got = cell_of(cell), 0
        for route, n in shares(cell, weights).items():
            got += stock.take(here, route, n)
        lacking[here] = cell["quota"] - got
    for here in lacking:
        lacking[here] -= stock.take_any(here, lacking[here])
    short = []
    for cell in cells:
        here = cell_of(cell)
        if lacking[here] <= 0:
            continue
        order = bands[here[0]]
        place = order.index(here[2])
        others = [o for o in lacking if o[:2] == here[:2] and o != here]
        others.sort(key=lambda o: (o[3] != here[3], abs(order.index(o[2]) - place), o))
        moved = 0
        for other in others:
            moved += stock.take_any(other, lacking[here] - moved)
        short.append(
            {**{name: cell[name] for name in CELL}, "quota": cell["quota"],
             "lacking": lacking[here], "moved": moved, "lost": lacking[here] - moved}
        )  # fmt: skip
    return dict(stock.taken), short


BINS = 10


def places(positions: pl.Series, target: Mapping[str, float]) -> NDArray[np.int64]:
    """The tenth of the target distribution in which each position lies; BINS where it is null.

    target: level -> position at that quantile (`type_words.positions` of target.json).
    """
    levels, values = np.array(sorted((float(q), float(v)) for q, v in target.items())).T
    level = np.interp(positions.fill_null(0).to_numpy(), values, levels)
    bins = np.minimum((level * BINS).astype(np.int64), BINS - 1)
    return np.where(positions.is_null().to_numpy(), BINS, bins)


def steered(groups: Sequence[tuple[str, Sequence[int], int]], bins: NDArray[np.int64]) -> list[int]:
    """Which rows to take so that the type word's place comes near to its target, per function.

    groups: (function, its row numbers in order of preference, how many to take), those with the
    least choice first. Each next row is the first one of the bin that lacks most.
    """
    available: dict[str, NDArray[np.int64]] = {}
    total: dict[str, int] = defaultdict(int)
    for function, rows, n in groups:
        counted = np.bincount(bins[np.asarray(rows, dtype=np.int64)], minlength=BINS + 1)
        available[function] = available.get(function, np.zeros(BINS + 1, dtype=np.int64)) + counted
        total[function] += n
    lacking = {}
    for function, counted in available.items():
        # Queries that do not name their type keep the share that they have.
        unnamed = counted[BINS] / max(counted.sum(), 1)
        shares = np.append(np.full(BINS, (1 - unnamed) / BINS), unnamed)
        lacking[function] = shares * total[function]
    taken: list[int] = []
    for function, rows, n in groups:
        queues: dict[int, list[int]] = defaultdict(list)
        for row in reversed(rows):
            queues[int(bins[row])].append(row)
        for _ in range(n):
            left = lacking[function]
            best = max(queues, key=lambda b: (b < BINS or left[b] > 0, left[b], -b))
            taken.append(queues[best].pop())
            left[best] -= 1
            if not queues[best]:
                del queues[best]
    return taken


def select(
    frame: pl.DataFrame,
    cells: Sequence[Mapping[str, Any]],
    weights: Mapping[str, float],
    positions: Mapping[str, float] | None = None,
) -> tuple[pl.Series, list[dict[str, Any]]]:
    """Mask of the selected rows, and the shortfalls of `plan`.

    frame: accepted rows in priority order, with the columns of CELL, `route`, `max_words` and
    `position` (of the type word); positions: its target quantiles, uniform by default.
    """
    counted = frame.group_by(*CELL, "route").len().rows()
    counts = {((f, t, b, loc), route): n for f, t, b, loc, route, n in counted}
    taken, short = plan(cells, weights, counts)
    bins = places(frame["position"], positions or {"0": 0.0, "1": 1.0})
    grouped = (
        frame.with_row_index("at")
        .group_by(*CELL, "route", maintain_order=True)
        .agg("at", pl.col("max_words").first())
        # Short queries leave least choice of a place; the heuristic route has most candidates.
        .sort(pl.col("route") == LAST_RESORT, "max_words", maintain_order=True)
    )
    groups = [
        (f, rows, taken.get(((f, t, b, loc), route), 0))
        for f, t, b, loc, route, rows, _ in grouped.iter_rows()
    ]
    mask = np.zeros(frame.height, dtype=bool)
    mask[steered(groups, bins)] = True
    return pl.Series("selected", mask), short
