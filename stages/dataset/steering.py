"""Which of many good rows are taken first, so that classes are named where users name them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

BINS = 10


def bins_of(places: pl.Series, target: Mapping[str, float]) -> NDArray[np.int64]:
    """The tenth of the target distribution in which each position lies; BINS where it is null.

    target: level -> position at that quantile.
    """
    levels, values = np.array(sorted((float(q), float(v)) for q, v in target.items())).T
    level = np.interp(places.fill_null(0).to_numpy(), values, levels)
    bins = np.minimum((level * BINS).astype(np.int64), BINS - 1)
    return np.where(places.is_null().to_numpy(), BINS, bins)


def steered(groups: Sequence[tuple[str, Sequence[int], int]], bins: NDArray[np.int64]) -> list[int]:
    """Which rows to take so that the class word's position comes near to its target, per function.

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
        # Queries that do not name their class keep the share that they have.
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
