"""Progress of a training run: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from transformers import TrainerCallback

from stages.core.pace import Pace

SECONDS_BETWEEN_LINES = 30.0


class ProgressLine(TrainerCallback):
    """Shows steps, rows a second and loss; `rows_per_step` turns steps into rows."""

    def __init__(self, rows_per_step: float) -> None:
        self.rows_per_step = rows_per_step
        self.loss = "loss not logged yet"
        self.bar: Progress | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.last_line = time.monotonic()
        self.first = state.global_step
        self.pace = Pace(self.first)
        self.main = state.is_world_process_zero
        if self.main and sys.stderr.isatty():
            from rich.console import Console

            columns = (
                TextColumn("training"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}  {task.fields[loss]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            self.bar = Progress(*columns, console=Console(stderr=True))
            self.task = self.bar.add_task(
                "", total=state.max_steps, completed=self.first, rate="", loss=self.loss
            )
            self.bar.start()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            self.loss = f"loss {float(logs['loss']):.3f}"

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        now = time.monotonic()
        self.pace.add(state.global_step, now)
        rate = f"{(self.pace.rate or 0) * self.rows_per_step:.1f} rows/s"
        if self.bar:
            self.bar.update(self.task, completed=state.global_step, rate=rate, loss=self.loss)
        elif self.main and now - self.last_line >= SECONDS_BETWEEN_LINES:
            self.last_line = now
            print(
                f"training: step {state.global_step} of {state.max_steps}, {rate}, "
                f"{self.loss}, {self.pace.left(state.max_steps - state.global_step)}",
                flush=True,
            )

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.bar:
            self.bar.stop()
