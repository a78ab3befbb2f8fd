"""Progress of generation: a live table of cells in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from stages.writing.quota import Quotas

EVERY = 15.0


class Reporter:
    """Shows, per function x content type, what is wanted, accepted and tried, and the time left."""

    def __init__(self, name: str, quotas: Quotas, console: Console | None = None) -> None:
        self.name, self.quotas = name, quotas
        self.console = console or Console()
        self.started = self.told = time.monotonic()
        self.live = Live(console=self.console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()
        self.console.print(self.table(), self.line())

    def line(self) -> str:
        """One line: accepted of wanted, acceptance, speed, time left."""
        accepted, tried = self.quotas.accepted.total(), self.quotas.tried.total()
        wanted = sum(self.quotas.want.values())
        rate = tried / max(time.monotonic() - self.started, 1e-9)
        share = accepted / max(tried, 1)
        left = (wanted - accepted) / max(rate * share, 1e-9)
        retired = f", retired: {', '.join(sorted(self.quotas.retired))}" * bool(self.quotas.retired)
        return (
            f"{self.name}: {accepted}/{wanted} accepted, {share:.0%} of {tried}, "
            f"{rate:.1f} tried/s, about {left:.0f} s left{retired}"
        )

    def table(self) -> Table:
        """A row for each function x content type; its length bands and locales are summed."""
        table = Table("function", "content type", "target", "accepted", "tried", "acceptance",
                      title=f"route {self.name}", width=100)  # fmt: skip
        groups: dict[tuple[str, str], list[int]] = {}
        for cell, want in self.quotas.want.items():
            group = groups.setdefault(cell[:2], [0, 0, 0])
            for i, n in enumerate((want, self.quotas.accepted[cell], self.quotas.tried[cell])):
                group[i] += n
        for (function, content_type), (want, accepted, tried) in sorted(groups.items()):
            share = f"{accepted / tried:.0%}" if tried else "-"
            style = None if accepted >= want else "yellow"
            table.add_row(function, content_type, str(want), str(accepted), str(tried), share,
                          style=style)  # fmt: skip
        return table

    def update(self) -> None:
        """Show where the work stands."""
        if self.live.is_started:
            grid = Table.grid()
            grid.add_row(self.table())
            grid.add_row(self.line())
            self.live.update(grid, refresh=True)
        elif time.monotonic() - self.told >= EVERY:
            print(self.line(), flush=True)
            self.told = time.monotonic()
