"""QLoRA through TRL and PEFT: train the adapter, resume, save."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from peft.helpers import disable_input_dtype_casting
from peft.utils.other import fsdp_auto_wrap_policy
from safetensors import SafetensorError
from transformers import PrinterCallback, TrainerCallback, TrainerState
from trl import SFTTrainer

from stages.core import files, memory
from stages.core.command import InputError
from stages.core.settings import Finetune
from stages.training import (
    bfd,
    configuration,
    grouping,
    isolation,
    lora,
    shared_prefix,
    tracking,
)
from stages.training.base import load_base
from stages.training.grouping import Grouped
from stages.training.progress import ProgressLine
from stages.training.stop import Stop
from stages.training.tokens import NO_LOSS, Row


@dataclass(frozen=True)
class Trained:
    """What a run left behind. `steps`, `rows`, `tokens` and `seconds` are those of this process:
    a resumed run counts from its checkpoint. `tokens` went through the model, padding included.
    """

    model: Any
    log: list[dict[str, float]]
    total_steps: int
    steps: int
    rows: float
    tokens: int
    seconds: float
    validation_loss: float | None
    # The adapter's weights where the model lies in slices (FSDP), else None: the model has them.
    weights: dict[str, torch.Tensor] | None = None


class AnswerTrainer(SFTTrainer):
    """TRL's trainer; the vocabulary's logits are computed at positions that carry loss only.

    The loss is TRL's: cross-entropy summed over the answer tokens, divided by their number in the
    optimizer step. TRL 1.16 scores every position on a processor, half of the work here.
    """

    tokens = 0
    # Set where rows have several prefixes: which of them share a step.
    sampler: Grouped | None = None

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self.sampler or super()._get_train_sampler(train_dataset)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        if self.model.training:
            self.tokens += inputs["input_ids"].numel()
        loss, outputs = answer_loss(model, inputs, num_items_in_batch)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """A checkpoint, with the loss since the last logged step: a resumed run logs it, too."""
        folder = Path(self._get_output_dir(trial=trial)) / f"checkpoint-{self.state.global_step}"
        with saving(folder):
            folder.mkdir(parents=True, exist_ok=True)
            since = {"loss": self._tr_loss.item(), "step": self._globalstep_last_logged}
            (folder / self.unlogged()).write_text(json.dumps(since))
            super()._save_checkpoint(model, trial)

    def unlogged(self) -> str:
        """The name of this process's file for the loss since the last logged step."""
        return f"unlogged_{self.args.process_index}.json"


class Resumed(TrainerCallback):
    """Goes on with the loss that had not been logged when the checkpoint `folder` was saved."""

    def __init__(self, trainer: AnswerTrainer, folder: str) -> None:
        self.trainer, self.file = trainer, Path(folder) / trainer.unlogged()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.file.is_file():
            since = json.loads(self.file.read_text())
            self.trainer._tr_loss += since["loss"]
            self.trainer._globalstep_last_logged = since["step"]


class Finite(TrainerCallback):
    """Ends a run whose loss is no longer a number."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise Diverged(f"the loss is {loss} at step {state.global_step} of {state.max_steps}")


class Diverged(InputError):
    """The training has left the numbers; its text says how, the rest what to do."""

    def __init__(self, how: str) -> None:
        super().__init__(
            f"the training diverged ({how}): no adapter is written; set a smaller "
            "finetune.learning_rate, or a smaller finetune.max_grad_norm"
        )


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """What libraries raise when they cannot write becomes an InputError."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        message = " ".join(str(error).split())
        raise InputError(
            f"{folder} cannot be written ({message:.200}): free some disk space and run it again; "
            "it goes on from the last whole checkpoint"
        ) from None


def answer_loss(
    model: Any, inputs: dict[str, Any], items: torch.Tensor | int | None = None
) -> tuple[torch.Tensor, Any]:
    """Cross-entropy over the tokens with a label, divided by `items` (None: by their number).

    `inputs` are what a collator gives, of shape (batch, tokens). Returns the loss, a scalar, and
    the model's outputs with logits of the scored positions alone.
    """
    # Training reads no cache; with one, transformers takes packed rows for a single long one.
    inputs = {**inputs, "use_cache": False}
    # The token at n is predicted at n - 1; nothing predicts the first.
    targets = torch.nn.functional.pad(inputs.pop("labels")[:, 1:], (0, 1), value=NO_LOSS)
    keep = (targets != NO_LOSS).any(dim=0).nonzero()[:, 0]
    targets = targets[:, keep]
    outputs = model(**inputs, logits_to_keep=keep)
    total = torch.nn.functional.cross_entropy(
        outputs.logits.float().flatten(0, 1), targets.flatten(), ignore_index=NO_LOSS,
        reduction="sum",
    )  # fmt: skip
    count = (targets != NO_LOSS).sum() if items is None else torch.as_tensor(items)
    return total / count.to(total.device).clamp(min=1), outputs


def run_key(base: str, settings: Finetune, seed: int, rows: Sequence[Row]) -> str:
    """A name for a run: the same base, settings, seed and rows give the same, wherever its figures
    are reported to.
    """
    model = sorted((p.name, p.stat().st_size) for p in Path(base).iterdir() if p.is_file())
    described = (Path(base) / "config.json").read_text("utf-8")
    chosen = settings.model_dump(exclude={"report_to"})
    text = json.dumps([described, model, chosen, seed, [asdict(r) for r in rows]])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def progress_of(checkpoint: Path) -> tuple[int, int] | None:
    """Steps done and steps of the run, of a checkpoint; None if it was not written to its end."""
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
        return int(state["global_step"]), int(state["max_steps"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def last_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint in `folder`; its state file is written last."""
    whole = [p for p in folder.glob("checkpoint-*") if progress_of(p)]
    return str(max(whole, key=lambda p: int(p.name.rpartition("-")[2]))) if whole else None


def make_trainer(
    base: Any,
    tokenizer: Any,
    rows: Sequence[Row],
    settings: Finetune,
    seed: int,
    folder: Path,
    callbacks: Sequence[TrainerCallback] = (),
) -> AnswerTrainer:
    """A trainer for `rows`; a step is batch size x accumulation rows, with bfd in the mean.

    shared_prefix and none draw the same rows for the same step: a batch becomes one sequence.
    """
    configuration.check_settings(settings, base)
    if tokenizer.pad_token_id is None and tokenizer.eos_token_id is None:
        # Never seen, but the libraries want one: what ends an answer.
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(rows[0].input_ids[-1])
    arguments = configuration.sft_config(settings, seed, folder)
    collator: Any = None
    if settings.packing == "bfd":
        collator = bfd.collator_for(tokenizer)
        batch = settings.per_device_train_batch_size
        dataset, packs = bfd.pack(rows, batch, settings.max_length)
        # One pack a pass: the collator would join several, and attention grows with the square.
        arguments.per_device_train_batch_size = arguments.per_device_eval_batch_size = 1
        arguments.gradient_accumulation_steps *= packs
        bfd.check_kind(base, max(map(sum, dataset["seq_lengths"])))
    else:
        dataset = Dataset.from_list([asdict(row) for row in rows])
        passes = configuration.passes_of(rows, settings)
        arguments.per_device_train_batch_size //= passes
        arguments.per_device_eval_batch_size //= passes
        arguments.gradient_accumulation_steps *= passes
    if settings.packing == "shared_prefix":
        collator = shared_prefix.collator_for(base)
        shared_prefix.check_kind(base, max(len(row.input_ids) for row in rows))
    isolation.check_causal(base)
    if collator:
        isolation.check_exact(base, collator, settings.packing)
    rows_per_step = (
        arguments.per_device_train_batch_size
        * arguments.gradient_accumulation_steps
        * arguments.world_size
        * len(rows)
        / len(dataset)
    )
    trainer = AnswerTrainer(
        model=base,
        args=arguments,
        data_collator=collator,
        train_dataset=dataset,
        processing_class=tokenizer,
        peft_config=configuration.lora_config(settings),
        callbacks=[ProgressLine(rows_per_step), *callbacks],
    )
    trainer.remove_callback(PrinterCallback)
    groups = grouping.prefixes(rows)
    if settings.packing == "shared_prefix" and len(set(groups)) > 1:
        trainer.sampler = Grouped(groups, settings.per_device_train_batch_size, seed)
    # TRL makes the adapter of a quantized model bfloat16, in which Adam's late, small steps vanish.
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if base.device.type == "cpu":
        lora.fuse(trainer.model)
    if trainer.is_fsdp_enabled:
        # Adapter and frozen weights in slices of their own, for their types differ.
        policy = fsdp_auto_wrap_policy(trainer.model)
        trainer.accelerator.state.fsdp_plugin.auto_wrap_policy = policy
    return trainer


@torch.no_grad()
def mean_loss(trainer: AnswerTrainer, rows: Sequence[Row]) -> float | None:
    """Mean cross-entropy over all answer tokens of `rows`, in nats; None without rows.

    Trainer.evaluate would weigh batches alike, whatever the number of tokens they score.
    """
    if not rows:
        return None
    trainer.model.eval()
    total = 0.0
    # Those with one prefix after one another, so that a batch has it once.
    rows = [rows[n] for n in np.argsort(grouping.prefixes(rows), kind="stable")]
    # Every process scores all rows: shared out, some would be scored twice to fill the last batch.
    for batch in torch.utils.data.DataLoader(
        [asdict(row) for row in rows],  # type: ignore[arg-type]
        batch_size=trainer.args.eval_batch_size,
        collate_fn=trainer.data_collator,
    ):
        with trainer.compute_loss_context_manager():
            inputs = trainer._prepare_inputs(batch)
            # Not Trainer's compute_loss, which multiplies by the processes that share a step.
            total += float(answer_loss(trainer.model, inputs, 1)[0])
    return total / sum(label != NO_LOSS for row in rows for label in row.labels)


def check_finite(model: Any) -> None:
    """Raise Diverged if a trained matrix holds NaN or infinity."""
    for name, value in model.named_parameters():
        if value.requires_grad and not torch.isfinite(value).all():
            raise Diverged(f"{name} holds NaN or infinity")


def train(
    base: str,
    tokenizer: Any,
    rows: Sequence[Row],
    validation: Sequence[Row],
    settings: Finetune,
    seed: int,
    folder: Path,
    callbacks: Sequence[TrainerCallback] = (),
) -> Trained:
    """Train an adapter for the model in the folder `base`, from the last checkpoint in `folder`
    if one is there. The caller deletes `folder` once the adapter is safe.

    A SIGINT becomes a KeyboardInterrupt after a checkpoint of the step under way; a second one at
    once. Raises Diverged where loss or weights are not numbers.
    """
    if not rows:
        raise InputError("the training set is empty: look at metrics/validate.json for the reasons")
    model = load_base(base, settings.quantize, attention=settings.attention)
    stop = Stop()
    trainer = make_trainer(
        model, tokenizer, rows, settings, seed, folder, [Finite(), *callbacks, stop]
    )
    resume = last_checkpoint(folder)
    done, planned = (resume and progress_of(Path(resume))) or (0, 1)
    if resume:
        if trainer.is_world_process_zero():
            print(f"resuming after step {done} from {resume}", flush=True)
        trainer.add_callback(Resumed(trainer, resume))
    if model.device.type == "cpu":
        memory.keep_freed()
    tracked = tracking.begin(trainer, settings.report_to, folder, goes_on=bool(resume))
    validation_loss = None
    began = time.monotonic()
    try:
        # PEFT copies every adapter's input to the adapter's float32, which autocast undoes at once.
        with disable_input_dtype_casting(trainer.model), stop.listening():
            if done >= planned and resume and not trainer.is_fsdp_enabled:
                # It was stopped between its last step and the adapter; one more would follow.
                trainer._load_from_checkpoint(resume)
                trainer.accelerator.prepare(trainer.model)
                trainer.state = TrainerState.load_from_json(str(Path(resume, "trainer_state.json")))
            else:
                trainer.train(resume_from_checkpoint=resume)
            if tracked and stop.agreed:
                tracked.end(trainer, None)  # here, where a stop has time
        seconds = time.monotonic() - began
        if stop.agreed:
            stop.tell(trainer)
            raise KeyboardInterrupt
        check_finite(trainer.model)
        validation_loss = mean_loss(trainer, validation)
        if validation_loss is not None and not math.isfinite(validation_loss):
            raise Diverged(f"the validation loss is {validation_loss}")
    except Diverged:
        # Nothing goes on from there.
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        if tracked:
            tracked.end(trainer, validation_loss)
    weights = None
    if trainer.is_fsdp_enabled:
        trainer.accelerator.state.fsdp_plugin.set_state_dict_type("FULL_STATE_DICT")
        weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    state = trainer.state
    steps = state.global_step - done
    return Trained(
        model=trainer.model,
        log=state.log_history,
        total_steps=state.global_step,
        steps=steps,
        rows=len(rows) * state.epoch * steps / state.global_step,
        tokens=trainer.tokens * trainer.args.world_size,
        seconds=seconds,
        validation_loss=validation_loss,
        weights=weights,
    )


def save_adapter(
    model: Any,
    out: Path,
    base_name: str,
    weights: dict[str, torch.Tensor] | None = None,
    revision: str | None = None,
) -> None:
    """Write adapter_model.safetensors and adapter_config.json to the new folder `out`.

    `base_name` is what the configuration names as the base: no path of this machine. `weights`
    are the adapter's where the model does not hold them itself. revision: the base's on the hub.
    """
    for config in model.peft_config.values():
        config.base_model_name_or_path = base_name
        config.revision = revision
    with saving(out):
        model.save_pretrained(out, safe_serialization=True, save_embedding_layers=False,
                              state_dict=weights)  # fmt: skip
    (out / "README.md").unlink(missing_ok=True)
    # PEFT keeps the target modules as a set, whose order differs from run to run.
    described = files.read_json(out / "adapter_config.json")
    described["target_modules"] = sorted(described["target_modules"])
    files.write_json(out / "adapter_config.json", described)
