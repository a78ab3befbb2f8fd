"""The four-bit rounding of QLoRA: NF4 with double quantization (arXiv 2305.14314).

It moves a weight by some ten percent, and an adapter learns to make up for that. So who joins the
two needs the base model as it was trained on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.core import files, processor
from stages.core.command import InputError

if TYPE_CHECKING:
    import torch

# In an adapter's folder: `model`, the base's name, `weights`, its revision or digest, and
# `rounded`, whether the adapter was trained on its weights in four bits.
RECORD = "base.json"


def is_rounded(adapter: str | Path) -> bool:
    """Whether the adapter was trained on rounded weights, by its base.json; without one it was not.
    Raises InputError for a base.json that does not say.
    """
    file = Path(adapter) / RECORD
    if not file.is_file():
        return False
    record = files.read_json(file)
    if not isinstance(record, dict) or not isinstance(record.get("rounded"), bool):
        raise InputError(f"{file}: rounded must be true or false: run `dvc repro finetune`")
    return record["rounded"]


def nf4(dtype: torch.dtype, storage: torch.dtype | None = None) -> Any:
    """transformers' configuration of the rounding. dtype: what products are computed in. storage:
    what four-bit weights lie in; bytes if not given.
    """
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        bnb_4bit_quant_storage=storage or torch.uint8,
    )


def load_rounded(path: str) -> Any:
    """The causal model in a folder, its linear layers rounded as in training and unpacked again, in
    the type that this machine trains in.
    """
    import torch
    from transformers import AutoModelForCausalLM

    dtype = processor.dtype()
    model = AutoModelForCausalLM.from_pretrained(
        path,
        dtype=dtype,
        device_map={"": "cuda:0" if torch.cuda.is_available() else "cpu"},
        quantization_config=nf4(dtype),
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
    )
    return model.dequantize(dtype).to("cpu")
