"""Where a training's figures go while it trains (`finetune.report_to`): to transformers' own
callback for the tool, in the first process alone. What the tools write lies in
data/.work/tracking/TOOL, which neither Git nor DVC looks at; their own variables of the environment
(WANDB_MODE, TENSORBOARD_LOGGING_DIR, ...) hold as everywhere.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.integrations import DVCLiveCallback, get_reporting_integration_callbacks

from stages.core import files
from stages.core.command import InputError, hidden

PROJECT = "routenator"
# Beside the checkpoints: a training that goes on keeps its name.
NAME = "tracking_name.txt"


class Tracking(TrainerCallback):
    """Hands the trainer's events on to a tool's callback, which ends after the validation.

    What the tool cannot begin is an InputError. What fails later is said once, and the training
    goes on without it.
    """

    def __init__(self, tool: str, callback: TrainerCallback) -> None:
        self.tool, self.callback = tool, callback
        self.is_over = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        try:
            self.callback.on_train_begin(args, state, control, **kwargs)
        except Exception as error:
            self.is_over = True
            raise _refusal(self.tool, error) from None

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.tool == "dvclive":
            self.callback.live.step = state.global_step  # it would count the logs
        self._call(self.callback.on_log, args, state, control, **kwargs)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._call(self.callback.on_save, args, state, control, **kwargs)

    def end(self, trainer: Any, validation_loss: float | None) -> None:
        """End the tool's run, once, after the mean loss on the validation set (nats per answer
        token); None: there is none, or the training was stopped.
        """
        told = (trainer.args, trainer.state, trainer.control)
        if validation_loss is not None:
            self.on_log(*told, model=trainer.model, logs={"eval_loss": validation_loss})
        self._call(self.callback.on_train_end, *told, model=trainer.model)
        if self.tool == "wandb" and not self.is_over:
            self._call(self.callback._wandb.finish)
        self.is_over = True

    def _call(self, event: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        if self.is_over:
            return
        try:
            event(*args, **kwargs)
        except Exception as error:
            self.is_over = True
            print(f"warning: {self.tool} gets no more figures: {_said(error)}", file=sys.stderr)


def begin(trainer: Any, tool: str, checkpoints: Path, goes_on: bool) -> Tracking | None:
    """Add the callback of `tool` to `trainer`; None for the tool none and in all processes but the
    first. goes_on: the training goes on from a checkpoint in `checkpoints`.

    Raises InputError where the tool refuses.
    """
    if tool == "none" or not trainer.is_world_process_zero():
        return None
    name = _name(checkpoints, goes_on)
    try:
        tracking = Tracking(tool, _callback(tool, name, trainer.args))
    except Exception as error:
        raise _refusal(tool, error) from None
    trainer.add_callback(tracking)
    return tracking


def _name(checkpoints: Path, goes_on: bool) -> str:
    """The training's name: when it began, and the beginning of its key."""
    file = checkpoints / NAME
    if goes_on and file.is_file():
        return file.read_text("utf-8").strip()
    name = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{checkpoints.name[:8]}"
    checkpoints.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{name}\n", "utf-8")
    return name


def _callback(tool: str, name: str, args: Any) -> TrainerCallback:
    """transformers' callback, which writes to data/.work/tracking and knows the training's name."""
    folder = files.work_dir().resolve() / "tracking" / tool
    folder.mkdir(parents=True, exist_ok=True)
    if tool == "dvclive":
        from dvclive import Live

        # No dvc.yaml, no experiment: DVC has its own figures of this stage.
        live = Live(str(folder / name), resume=(folder / name).is_dir(), save_dvc_exp=False,
                    dvcyaml=None)  # fmt: skip
        return DVCLiveCallback(live=live)
    if tool == "wandb":
        import wandb

        given = {"project": PROJECT, "name": name, "run_id": name, "resume": "allow",
                 "dir": str(folder.parent)}  # fmt: skip
        given = {k: v for k, v in given.items() if f"WANDB_{k.upper()}" not in os.environ}
        if "run_id" in given:
            given["id"] = given.pop("run_id")
        wandb.init(**given)
    if tool == "trackio":
        os.environ.setdefault("TRACKIO_DIR", str(folder))  # before it is imported
        args.project, args.run_name = PROJECT, name
    (callback,) = get_reporting_integration_callbacks([tool])
    made = callback()
    if tool == "tensorboard":
        made.logging_dir = made.logging_dir or str(folder / name)
    return made


def _refusal(tool: str, error: Exception) -> InputError:
    offline = " (wandb login, or WANDB_MODE=offline)" if tool == "wandb" else ""
    return InputError(
        f"finetune.report_to {tool} cannot begin ({_said(error)}): mend that{offline}, or set "
        "finetune.report_to: none"
    )


def _said(error: Exception) -> str:
    """An error of a tool on one line, at most 300 characters, without secrets."""
    return f"{' '.join(hidden(str(error)).split()) or type(error).__name__:.300}"
