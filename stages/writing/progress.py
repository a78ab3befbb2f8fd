"""Progress of long work: a live bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 15.0


class Reporter:
    """Shows accepted of wanted, the rate, the acceptance and the time left."""

    def __init__(self, name: str, total: int) -> None:
        self.name, self.total = name, total
        self.console = Console()
        self.started = self.told = time.monotonic()
        self.bar: Progress | None = None
        if self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[say]}"),
                TimeRemainingColumn(),
            )
            self.bar = Progress(*columns, console=self.console)
            self.task = self.bar.add_task(name, total=total, say="")

    def __enter__(self) -> Self:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def update(self, accepted: int, tried: int) -> None:
        """Tell where the work stands: accepted of the total, tried so far."""
        now = time.monotonic()
        rate = tried / max(now - self.started, 1e-9)
        share = accepted / max(tried, 1)
        say = f"{accepted}/{self.total} accepted, {share:.0%} of {tried}, {rate:.1f} tried/s"
        if self.bar:
            self.bar.update(self.task, completed=accepted, say=say)
        elif now - self.told >= EVERY or accepted >= self.total:
            left = (self.total - accepted) / max(rate * share, 1e-9)
            print(f"{self.name}: {say}, about {left:.0f} s left", flush=True)
            self.told = now
