"""The `finetune` block in the terms of PEFT and TRL, and what of it they cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from transformers.pytorch_utils import Conv1D
from trl import SFTConfig

from stages.core import processor
from stages.core.command import InputError
from stages.core.settings import Finetune
from stages.training import grouping
from stages.training.tokens import Row


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
        bf16=processor.dtype() is torch.bfloat16,
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
        # A loss that is not a number ends the run, so it must be seen.
        logging_nan_inf_filter=False,
        save_steps=settings.save_steps,
        save_total_limit=1,
        seed=seed,
        data_seed=seed,
        report_to="none",  # training/tracking.py does
        disable_tqdm=True,
        # Rows come tokenised, measured and with a column of ours.
        max_length=None,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        # The routers of a mixture of experts are frozen; nothing to balance.
        router_aux_loss_coef=0.0,
    )


def check_settings(settings: Finetune, model: Any) -> None:
    """Refuse settings that only the libraries would refuse, before they fail on them."""
    if settings.attention == "flex" and not torch.cuda.is_available():
        raise InputError(
            "finetune.attention flex trains on a GPU only (PyTorch has no backward pass for it on "
            "a processor): set sdpa"
        )
    check_targets(settings.target_modules, model)


def check_targets(targets: Sequence[str], model: Any) -> None:
    """Refuse, by name, target modules that the model does not have, or that cannot be tuned."""
    modules = list(model.named_modules())
    embeddings = model.get_input_embeddings()
    tunable = {
        name.rpartition(".")[2] for name, module in modules if _is_tunable(module, embeddings)
    }
    has = f"{model.config.model_type} has {', '.join(sorted(tunable))}"
    for target in targets:
        # As PEFT finds them.
        matching = [module for name, module in modules if f".{name}".endswith(f".{target}")]
        if not matching:
            missing = [t for t in targets if not any(f".{n}".endswith(f".{t}") for n, _ in modules)]
            raise InputError(f"finetune.target_modules: {', '.join(missing)}; {has}")
        if any(getattr(module, "weight", None) is embeddings.weight for module in matching):
            raise InputError(
                f"finetune.target_modules: {target} shares its weights with the input embeddings, "
                f"which would change with it: leave it out; {has}"
            )
        if not all(_is_tunable(module, embeddings) for module in matching):
            raise InputError(
                f"finetune.target_modules: {target} is {type(matching[0]).__name__}, no linear "
                f"layer, the only kind that is served: leave it out; {has}"
            )


def _is_tunable(module: torch.nn.Module, embeddings: torch.nn.Module) -> bool:
    """Whether it is a linear layer with weights of its own."""
    linear = isinstance(module, torch.nn.Linear | Conv1D)
    return linear and module.weight is not embeddings.weight


def passes_of(rows: Sequence[Row], settings: Finetune) -> int:
    """Into how many passes of equally many rows a batch is divided, so that none can have more
    than `max_tokens_per_pass` tokens, or has one row.
    """
    groups = grouping.prefixes(rows)
    beginning = max(row.prefix_length for row in rows)
    longest = max(len(row.input_ids) for row in rows)
    batch = settings.per_device_train_batch_size

    def tokens(count: int) -> int:
        if settings.packing == "none":
            return count * longest
        own = max(len(row.input_ids) - row.prefix_length for row in rows)
        return grouping.most_groups(groups, batch, count) * beginning + count * own

    return next(
        n
        for n in range(1, batch + 1)
        if batch % n == 0 and (n == batch or tokens(batch // n) <= settings.max_tokens_per_pass)
    )
