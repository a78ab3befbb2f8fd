"""QLoRA through TRL and PEFT: load the base, train the adapter, resume, save."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from datasets import Dataset
from peft import LoraConfig
from peft.helpers import disable_input_dtype_casting
from peft.utils.other import fsdp_auto_wrap_policy
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    PrinterCallback,
    TrainerCallback,
)
from transformers.trainer_utils import SchedulerType
from trl import SFTConfig, SFTTrainer

from stages.contracts import files
from stages.contracts.command import InputError
from stages.contracts.settings import Finetune
from stages.training import attention as attention_
from stages.training import bfd, isolation, shared_prefix
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


def load_base(
    path: str, quantize: bool, dtype: torch.dtype = torch.bfloat16, attention: str = "sdpa"
) -> Any:
    """The base model in `dtype`, its linear layers rounded to NF4 (double quantization) if asked.

    attention: sdpa, or flex for flex attention, which has no backward pass on a processor.
    On a processor the NF4 weights are then unpacked once, for bitsandbytes would unpack them at
    every use: the same numbers, so the same training, but 2 bytes a weight.
    """
    transformers.utils.logging.disable_progress_bar()
    options: dict[str, Any] = {}
    sliced = os.environ.get("ACCELERATE_USE_FSDP") == "true"
    if quantize:
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
            # FSDP slices what looks like ordinary weights: four-bit ones in bfloat16's clothes.
            bnb_4bit_quant_storage=dtype if sliced else torch.uint8,
        )
    if attention == "flex":
        options["attn_implementation"] = "flex_attention"
    # Scaled-dot-product attention leaves Gemma 2's softcap out without a word.
    elif getattr(AutoConfig.from_pretrained(path), "attn_logit_softcapping", None):
        options["attn_implementation"] = "eager"
    device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
    try:
        model = AutoModelForCausalLM.from_pretrained(
            path,
            dtype=dtype,
            # FSDP places the slices itself.
            device_map=None if sliced else {"": device},
            local_files_only=True,
            use_safetensors=True,
            **options,
        )
    except (ValueError, ImportError) as error:
        if attention == "flex":
            raise InputError(f"finetune.attention flex: {error}. Set sdpa") from None
        raise
    if device == "cpu":
        attention_.use(model)
        if quantize:
            model = model.dequantize(dtype)
    return model


def lora_config(settings: Finetune) -> LoraConfig:
    """PEFT's configuration from the `finetune` block."""
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=settings.target_modules,
    )


def sft_config(settings: Finetune, seed: int, folder: Path) -> SFTConfig:
    """TRL's configuration from the `finetune` block; checkpoints go to `folder`."""
    return SFTConfig(
        output_dir=str(folder),
        use_cpu=not torch.cuda.is_available(),
        bf16=True,
        optim="adamw_torch_fused",
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.lr_scheduler_type,
        # From 1 on it would be a number of steps.
        warmup_steps=min(settings.warmup_ratio, 0.9999),
        num_train_epochs=settings.num_train_epochs,
        max_steps=settings.max_steps,
        per_device_train_batch_size=settings.per_device_train_batch_size,
        per_device_eval_batch_size=settings.per_device_train_batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        gradient_checkpointing=settings.gradient_checkpointing,
        max_grad_norm=settings.max_grad_norm,
        logging_steps=settings.logging_steps,
        save_steps=settings.save_steps,
        save_total_limit=1,
        seed=seed,
        data_seed=seed,
        report_to="none",
        disable_tqdm=True,
        # Rows come tokenised, measured and with a column of ours.
        max_length=None,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        # The routers of a mixture of experts are frozen; nothing to balance.
        router_aux_loss_coef=0.0,
    )


def check_settings(settings: Finetune, model: Any) -> None:
    """What only the libraries know to be wrong, told before they stumble over it."""
    schedules = [kind.value for kind in SchedulerType]
    if settings.lr_scheduler_type not in schedules:
        raise InputError(
            f"finetune.lr_scheduler_type {settings.lr_scheduler_type!r} is none of "
            f"{', '.join(schedules)}"
        )
    if settings.attention == "flex" and not torch.cuda.is_available():
        raise InputError(
            "finetune.attention flex trains on a GPU only (PyTorch has no backward pass for it on "
            "a processor): set sdpa"
        )
    if settings.max_steps == 0 or settings.max_steps < -1:
        raise InputError(f"finetune.max_steps is {settings.max_steps}: give -1 or at least 1")
    names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    unknown = [name for name in settings.target_modules if name not in names]
    if unknown or not settings.target_modules:
        linear = {
            name.rpartition(".")[2]
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear)
        }
        raise InputError(
            f"finetune.target_modules: {', '.join(unknown) or 'empty'}; "
            f"{model.config.model_type} has {', '.join(sorted(linear))}"
        )


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


def passes_of(rows: Sequence[Row], settings: Finetune) -> int:
    """Into how many passes of equally many rows a batch is divided, so that none can have more
    than `max_tokens_per_pass` tokens, or has one row.
    """
    prefixes = {tuple(row.input_ids[: row.prefix_length]) for row in rows}
    beginning = max(map(len, prefixes))
    longest = max(len(row.input_ids) for row in rows)
    batch = settings.per_device_train_batch_size

    def tokens(count: int) -> int:
        if settings.packing == "none":
            return count * longest
        own = max(len(row.input_ids) - row.prefix_length for row in rows)
        return min(count, len(prefixes)) * beginning + count * own

    return next(
        n
        for n in range(1, batch + 1)
        if batch % n == 0 and (n == batch or tokens(batch // n) <= settings.max_tokens_per_pass)
    )


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
    check_settings(settings, base)
    arguments = sft_config(settings, seed, folder)
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
        passes = passes_of(rows, settings)
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
        peft_config=lora_config(settings),
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
        attention_.keep_freed_memory()
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
