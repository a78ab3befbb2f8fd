"""A training that is told to stop saves first: what it has learnt so far is not lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import TrainerCallback

from stages.core.command import grace

# Seconds in which signals are one: a terminal and a launcher both send it.
TOGETHER = 1.0
# Seconds that a stop may take before the first step has shown how long one lasts; beyond two steps.
FIRST, BEYOND = 120.0, 20.0


class Stop(TrainerCallback):
    """On SIGINT (which SIGTERM becomes) a checkpoint after the step under way, then the end.

    `heard`: a signal came. `agreed`: the training ended for it, in all processes.
    """

    def __init__(self) -> None:
        self.heard = self.agreed = False
        self.since = self.began = self.longest = 0.0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """In the block a first SIGINT is noted; a second one ends the block at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self.before = signal.signal(signal.SIGINT, self.hear)
        grace(FIRST)
        try:
            yield
        finally:
            grace(0.0)
            signal.signal(signal.SIGINT, self.before)

    def hear(self, number: int, frame: Any) -> None:
        """Note the signal, or end at once."""
        if not self.heard:
            self.heard, self.since = True, time.monotonic()
            if os.environ.get("RANK", "0") == "0":
                # Not print, which may be under way.
                os.write(2, b"finetune: stopping, the step under way is saved first\n")
        elif time.monotonic() - self.since > TOGETHER:
            signal.signal(signal.SIGINT, self.before)
            raise KeyboardInterrupt

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        seconds = time.monotonic() - self.began
        if not self.longest or seconds > 1.5 * self.longest:
            self.longest = seconds
            grace(2 * seconds + BEYOND)
        self.agreed = self.heard
        if args.world_size > 1:
            # All stop at the same step, or none could save it.
            heard = torch.tensor(int(self.heard), device=args.device)
            torch.distributed.all_reduce(heard, torch.distributed.ReduceOp.MAX)
            self.agreed = bool(heard)
        if self.agreed:
            control.should_save = control.should_training_stop = True

    def tell(self, trainer: Any) -> None:
        """Say what is saved, in the first process."""
        state = trainer.state
        if state.is_world_process_zero:
            print(
                f"finetune: step {state.global_step} of {state.max_steps} is saved; run it again "
                "to go on from there",
                flush=True,
            )
