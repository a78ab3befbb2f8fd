"""Which requests to write next: in rank order, until every cell's quota is full."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import polars as pl

Cell = tuple[str, ...]


class Quotas:
    """The requests of a route, in rank order; each is handed out as a dict.

    Counts tried and accepted candidates per cell and template, and hands out the next batch,
    also while others are under way: of those it expects what their cell's acceptance promises.

    A template of whose candidates fewer than `min_acceptance` pass, once `min_tried` were tried,
    is retired: in every cell its remaining requests go behind those of its siblings, so that it
    writes again only where there is nothing else; what has no template is never retired. The order
    depends only on the requests and on which candidates were accepted, so the same completions give
    the same dataset.
    """

    def __init__(
        self, requests: pl.DataFrame, by: Sequence[str], min_acceptance: float = 0.0,
        min_tried: int = 1,
    ) -> None:  # fmt: skip
        """by: columns of requests that distinguish its cells."""
        self.requests, self.by = requests, tuple(by)
        grouped = requests.with_row_index("at").group_by(*by, maintain_order=True)
        cells = grouped.agg("at", pl.col("quota").first()).rows()
        # Numbers of rows of `requests`.
        self.queues: dict[Cell, list[int]] = {tuple(cell): queue for *cell, queue, _ in cells}
        self.want: dict[Cell, int] = {tuple(cell): quota for *cell, _, quota in cells}
        self.min_acceptance, self.min_tried = min_acceptance, min_tried
        self.asked: Counter[Cell] = Counter()  # the tried and those under way
        self.tried: Counter[Cell] = Counter()
        self.failed: Counter[Cell] = Counter()  # asked, and the engine had no answer
        self.accepted: Counter[Cell] = Counter()  # up to the quota
        # Queries that were judged, and those of them that passed, beyond the quota as well.
        self.written: Counter[Cell] = Counter()
        self.passed: Counter[Cell] = Counter()
        self.template_tried: Counter[str] = Counter()
        self.template_accepted: Counter[str] = Counter()
        self.retired: set[str] = set()

    def next_batch(self, limit: int) -> list[dict[str, Any]]:
        """Up to about `limit` requests: for each open cell, what its acceptance so far suggests."""
        self._retire()
        needed: dict[Cell, int] = {}
        for cell, queue in self.queues.items():
            left = len(queue) - self.asked[cell]
            rate = max((self.accepted[cell] + 1) / (self.tried[cell] + 2), 0.1)
            expected = rate * (self.asked[cell] - self.tried[cell] - self.failed[cell])
            lacking = self.want[cell] - self.accepted[cell] - expected
            if left > 0 and lacking > 0:
                needed[cell] = min(left, math.ceil(lacking / rate))
        scale = min(1.0, limit / max(sum(needed.values()), 1))
        batch: list[int] = []
        for cell, n in needed.items():
            start = self.asked[cell]
            taken = self.queues[cell][start : start + math.ceil(n * scale)]
            self.asked[cell] += len(taken)
            batch += taken
        return self.requests[batch].to_dicts()

    def cell_of(self, request: dict[str, Any]) -> Cell:
        """The cell that a request belongs to: its values of the columns `by`."""
        return tuple(str(request[name]) for name in self.by)

    def _retire(self) -> None:
        """Retire what stays under the floor, and move its remaining requests to the end."""
        failing = {
            template
            for template, tried in self.template_tried.items()
            if template
            and tried >= self.min_tried
            and self.template_accepted[template] < self.min_acceptance * tried
        } - self.retired
        if not failing:
            return
        self.retired |= failing
        last = self.requests["template_id"].is_in(self.retired).to_list()
        for cell, queue in self.queues.items():
            done = self.asked[cell]
            queue[done:] = sorted(queue[done:], key=last.__getitem__)

    def answered(self, request: dict[str, Any]) -> None:
        """Count a request as tried, no longer under way; `accept` says with what result."""
        self.tried[self.cell_of(request)] += 1
        self.template_tried[request["template_id"]] += 1

    def fail(self, request: dict[str, Any]) -> None:
        """Count a request that the engine did not answer: it says nothing of its template."""
        self.failed[self.cell_of(request)] += 1

    def judge(self, request: dict[str, Any]) -> None:
        """Count a candidate, of which a request may have several."""
        self.written[self.cell_of(request)] += 1

    def accept(self, request: dict[str, Any]) -> None:
        """Count an accepted candidate; `accepted` counts none beyond a cell's quota."""
        cell = self.cell_of(request)
        self.passed[cell] += 1
        self.accepted[cell] = min(self.accepted[cell] + 1, self.want[cell])
        self.template_accepted[request["template_id"]] += 1

    @property
    def short(self) -> dict[Cell, int]:
        """Cells that ran out of requests, with what they lack."""
        return {c: n - self.accepted[c] for c, n in self.want.items() if self.accepted[c] < n}

    @property
    def templates(self) -> dict[str, dict[str, Any]]:
        """Per template: tried, accepted, retired."""
        return {
            template: {
                "tried": self.template_tried[template],
                "accepted": self.template_accepted[template],
                "retired": template in self.retired,
            }
            for template in sorted(self.template_tried)
        }
