"""Progress of generation: a live table of cells in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from stages.core.pace import Pace
from stages.generation.quota import Quotas

EVERY = 15.0
# Columns of the table where there is no terminal, which would say how many there are.
WIDTH = 120


class Reporter:
    """Shows what is wanted and written, per pair of the cells' first two values, and the time left.

    acceptance: candidates that pass the checks, of those that were written, as in the metrics;
    what a full cell gets beyond its quota counts as well.
    """

    def __init__(
        self, name: str, quotas: Quotas, console: Console | None = None,
        columns: tuple[str, str] = ("function", "content type"),
    ) -> None:  # fmt: skip
        self.name, self.quotas, self.columns = name, quotas, columns
        self.console = console or Console()
        if console is None and not self.console.is_terminal:
            self.console = Console(width=WIDTH)
        self.last_printed = time.monotonic()
        self.filling, self.trying = Pace(), Pace()
        self.live = Live(console=self.console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()
        self.console.print(self.table())
        self.console.print(self.line(ended=True), soft_wrap=True, highlight=False)

    def line(self, ended: bool = False) -> str:
        """One line: quota filled, acceptance, speed, time left or what is lacking at the end."""
        filled, passed = self.quotas.accepted.total(), self.quotas.passed.total()
        written, wanted = self.quotas.written.total(), sum(self.quotas.want.values())
        share = f" ({passed / written:.0%})" if written else ""
        speed = f", {self.trying.rate:.1f} candidates/s" if self.trying.rate else ""
        retired = f", retired: {', '.join(sorted(self.quotas.retired))}" * bool(self.quotas.retired)
        lacking = wanted - filled
        state = self.filling.left(lacking) if lacking and not ended else f"{lacking} lacking"
        return (
            f"{self.name}: {filled} of {wanted} wanted, {passed} of {written} candidates accepted"
            f"{share}{speed}, {state}{retired}"
        )

    def table(self) -> Table:
        """A row for each pair of the cells' first two values; the rest is summed."""
        table = Table(*self.columns, title=f"route {self.name}")
        for name in ("target", "filled", "candidates", "accepted", "acceptance"):
            table.add_column(name, justify="right", overflow="fold")
        groups: dict[tuple[str, ...], list[int]] = {}
        quotas = self.quotas
        for cell, want in quotas.want.items():
            group = groups.setdefault(cell[:2], [0] * 4)
            counts = want, quotas.accepted[cell], quotas.written[cell], quotas.passed[cell]
            for i, n in enumerate(counts):
                group[i] += n
        for names, (want, filled, written, passed) in sorted(groups.items()):
            share = f"{passed / written:.0%}" if written else "-"
            style = None if filled >= want else "yellow"
            table.add_row(*names, *map(str, (want, filled, written, passed)), share, style=style)
        return table

    def update(self) -> None:
        """Show how far the work is."""
        self.filling.add(self.quotas.accepted.total())
        self.trying.add(self.quotas.written.total())
        if self.live.is_started:
            grid = Table.grid()
            grid.add_row(self.table())
            grid.add_row(self.line())
            self.live.update(grid, refresh=True)
        elif time.monotonic() - self.last_printed >= EVERY:
            print(self.line(), flush=True)
            self.last_printed = time.monotonic()
