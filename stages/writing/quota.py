"""Which requests to write next: in rank order, until every cell's quota is full."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

Cell = tuple[str, str, str, str]


def cell_of(request: dict[str, Any]) -> Cell:
    """The cell that a request belongs to."""
    return (request["function"], request["content_type"], request["band"], request["locale"])


class Quotas:
    """Counts tried and accepted candidates per cell and hands out the next batch.

    The order depends only on the requests and on which candidates were accepted, so the same
    completions give the same dataset.
    """

    def __init__(self, requests: Iterable[dict[str, Any]]) -> None:
        self.queues: dict[Cell, list[dict[str, Any]]] = {}
        for request in requests:
            self.queues.setdefault(cell_of(request), []).append(request)
        self.want = {cell: queue[0]["quota"] for cell, queue in self.queues.items()}
        self.tried: Counter[Cell] = Counter()
        self.accepted: Counter[Cell] = Counter()

    def next_batch(self, most: int) -> list[dict[str, Any]]:
        """Up to about `most` requests: for each open cell, what its acceptance so far suggests."""
        needed: dict[Cell, int] = {}
        for cell, queue in self.queues.items():
            left = len(queue) - self.tried[cell]
            lacking = self.want[cell] - self.accepted[cell]
            if left > 0 and lacking > 0:
                rate = (self.accepted[cell] + 1) / (self.tried[cell] + 2)
                needed[cell] = min(left, math.ceil(lacking / max(rate, 0.1)))
        scale = min(1.0, most / max(sum(needed.values()), 1))
        batch = []
        for cell, n in needed.items():
            start = self.tried[cell]
            taken = self.queues[cell][start : start + math.ceil(n * scale)]
            self.tried[cell] += len(taken)
            batch += taken
        return batch

    def accept(self, request: dict[str, Any]) -> bool:
        """Count an accepted candidate; False if its cell was full already."""
        cell = cell_of(request)
        if self.accepted[cell] >= self.want[cell]:
            return False
        self.accepted[cell] += 1
        return True

    @property
    def short(self) -> dict[Cell, int]:
        """Cells that ran out of requests, with what they lack."""
        return {c: n - self.accepted[c] for c, n in self.want.items() if self.accepted[c] < n}
