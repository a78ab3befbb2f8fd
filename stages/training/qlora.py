"""QLoRA through TRL and PEFT: train the adapter, resume, save."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft.helpers import disable_input_dtype_casting
from peft.utils.other import fsdp_auto_wrap_policy
from transformers import (
    PrinterCallback,
    TrainerCallback,
)
from trl import SFTTrainer

from stages.contracts import files, memory
from stages.contracts.command import InputError
from stages.contracts.settings import Finetune
from stages.training import bfd, configuration, isolation, shared_prefix
from stages.training.base import load_base
from stages.training.progress import ProgressLine
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
    """A name for a run: the same base, settings, seed and rows give the same."""
    model = sorted((p.name, p.stat().st_size) for p in Path(base).iterdir() if p.is_file())
    described = (Path(base) / "config.json").read_text("utf-8")
    told = json.dumps([described, model, settings.model_dump(), seed, [asdict(r) for r in rows]])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def last_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint in `folder`; its state file is written last."""
    whole = [p.parent for p in folder.glob("checkpoint-*/trainer_state.json")]
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
    # TRL makes the adapter of a quantized model bfloat16, in which Adam's late, small steps vanish.
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
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
    # Every process scores all rows: shared out, some would be scored twice to fill the last batch.
    for batch in torch.utils.data.DataLoader(
        [asdict(row) for row in rows],  # type: ignore[arg-type]
        batch_size=trainer.args.eval_batch_size,
        collate_fn=trainer.data_collator,
    ):
        with trainer.compute_loss_context_manager():
            inputs = trainer._prepare_inputs(batch)
            total += float(trainer.compute_loss(trainer.model, inputs, num_items_in_batch=1))
    return total / sum(label != NO_LOSS for row in rows for label in row.labels)


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
    """
    if not rows:
        raise InputError("the training set is empty: look at metrics/validate.json for the reasons")
    model = load_base(base, settings.quantize, attention=settings.attention)
    trainer = make_trainer(model, tokenizer, rows, settings, seed, folder, callbacks)
    resume = last_checkpoint(folder)
    done = 0
    if resume:
        done = json.loads((Path(resume) / "trainer_state.json").read_text())["global_step"]
        if trainer.is_world_process_zero():
            print(f"resuming after step {done} from {resume}", flush=True)
    if model.device.type == "cpu":
        memory.keep_freed()
    began = time.monotonic()
    # PEFT copies every adapter's input to the adapter's float32, which autocast undoes at once.
    with disable_input_dtype_casting(trainer.model):
        trainer.train(resume_from_checkpoint=resume)
    seconds = time.monotonic() - began
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
        validation_loss=mean_loss(trainer, validation),
        weights=weights,
    )


def save_adapter(
    model: Any, out: Path, base_name: str, weights: dict[str, torch.Tensor] | None = None
) -> None:
    """Write adapter_model.safetensors and adapter_config.json to the new folder `out`.

    `base_name` is what the configuration names as the base: no path of this machine. `weights`
    are the adapter's where the model does not hold them itself.
    """
    for config in model.peft_config.values():
        config.base_model_name_or_path = base_name
    model.save_pretrained(out, safe_serialization=True, save_embedding_layers=False,
                          state_dict=weights)  # fmt: skip
    (out / "README.md").unlink(missing_ok=True)
    # PEFT keeps the target modules as a set, whose order differs from run to run.
    described = files.read_json(out / "adapter_config.json")
    described["target_modules"] = sorted(described["target_modules"])
    files.write_json(out / "adapter_config.json", described)
