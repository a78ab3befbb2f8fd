"""The base model as QLoRA trains it: rounded to four bits, with the attention that fits."""

from __future__ import annotations

import os
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

from stages.core import processor
from stages.core.command import InputError
from stages.engines.rounding import nf4
from stages.training import attention as products


def load_base(
    path: str, quantize: bool, dtype: torch.dtype | None = None, attention: str = "sdpa"
) -> Any:
    """The base model in `dtype` (default: the processor's), its linear layers rounded to NF4
    (double quantization) if asked.

    attention: sdpa, or flex for flex attention, which has no backward pass on a processor.
    On a processor the NF4 weights are then unpacked once, for bitsandbytes would unpack them at
    every use: the same numbers, so the same training, but 2 bytes a weight.
    """
    transformers.utils.logging.disable_progress_bar()
    dtype = dtype or processor.dtype()
    options: dict[str, Any] = {}
    sliced = os.environ.get("ACCELERATE_USE_FSDP") == "true"
    if quantize:
        # FSDP slices what looks like ordinary weights: four-bit ones in bfloat16's clothes.
        options["quantization_config"] = nf4(dtype, storage=dtype if sliced else None)
    config = AutoConfig.from_pretrained(path, trust_remote_code=False)
    if attention == "flex":
        options["attn_implementation"] = "flex_attention"
    # Scaled-dot-product attention leaves Gemma 2's softcap out without a word.
    elif getattr(config, "attn_logit_softcapping", None):
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
            trust_remote_code=False,
            **options,
        )
    except (ValueError, ImportError) as error:
        if attention == "flex":
            raise InputError(f"finetune.attention flex: {error}. Set sdpa") from None
        raise
    if device == "cpu":
        products.use(model)
        if quantize:
            model = model.dequantize(dtype)
    return model
