"""Answers to golden queries through vLLM, from the base model or with an adapter on it."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.contracts import engine, files, settings
from stages.contracts.command import InputError

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PEFT_PREFIX = "base_model.model."


@dataclass(frozen=True)
class Answers:
    """One completion for each query, in order, and the seconds they took without the start-up."""

    completions: list[str]
    seconds: float


def weight_shapes(folder: str | Path) -> dict[str, list[int]]:
    """Name and shape of every tensor in a folder's safetensors files; reads the headers only."""
    from safetensors import SafetensorError, safe_open

    shapes: dict[str, list[int]] = {}
    for file in sorted(Path(folder).glob("*.safetensors")):
        try:
            with safe_open(file, framework="numpy") as tensors:
                for name in tensors.keys():  # noqa: SIM118 (no mapping)
                    shapes[name] = tensors.get_slice(name).get_shape()
        except SafetensorError as error:
            raise InputError(f"{file} is no readable safetensors file: {error}") from None
    return shapes


def check_adapter(adapter: str | Path, base: str | Path) -> dict[str, Any]:
    """The adapter's configuration, if it is a LoRA adapter whose matrices fit the base model.

    Raises InputError that says what is missing or which matrix does not fit.
    """
    adapter = Path(adapter)
    if not adapter.is_dir():
        raise InputError(f"adapter {adapter} is no folder: run `dvc repro finetune` or name one")
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if not (adapter / name).is_file():
            raise InputError(f"adapter {adapter} has no {name}: name a PEFT LoRA adapter's folder")
    config = files.read_json(adapter / ADAPTER_CONFIG)
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise InputError(f"{adapter / ADAPTER_CONFIG}: peft_type must be LORA")
    trained_on = config.get("base_model_name_or_path")
    told = f"adapter {adapter} (trained on {trained_on}) does not fit the base model {base}"
    wanted = weight_shapes(base)
    found = {
        name.removeprefix(PEFT_PREFIX): shape
        for name, shape in weight_shapes(adapter).items()
        if name.endswith((".lora_A.weight", ".lora_B.weight"))
    }
    if not found:
        raise InputError(f"{adapter / ADAPTER_WEIGHTS} holds no LoRA matrices")
    for name, shape in found.items():
        module, matrix = name.rsplit(".lora_", 1)
        outputs_inputs = wanted.get(f"{module}.weight")
        if outputs_inputs is None:
            raise InputError(f"{told}: that has no {module}; choose the base it was trained on")
        # A is (rank, inputs), B is (outputs, rank).
        is_a = matrix.startswith("A")
        have, want = (shape[1], outputs_inputs[1]) if is_a else (shape[0], outputs_inputs[0])
        if have != want:
            raise InputError(
                f"{told}: {module} has {want} {'inputs' if is_a else 'outputs'}, the adapter "
                f"{have}; choose the base it was trained on"
            )
    return config


def merge(base: str, adapter: str | Path, out: str | Path) -> None:
    """Write the base model with the adapter added to its weights, and its tokenizer, to `out`.

    Adds in float32 and rounds once, to the base model's own type.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    kept = AutoConfig.from_pretrained(base).dtype or torch.bfloat16
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    merged.to(kept).save_pretrained(out)
    AutoTokenizer.from_pretrained(base).save_pretrained(out)


@contextmanager
def _served(
    base: str, adapter: str | Path | None, options: settings.Engine, seed: int
) -> Iterator[tuple[Any, Any]]:
    """A running engine and the LoRA request for it (None where no adapter is served apart)."""
    engine.quiet()
    import torch

    with tempfile.TemporaryDirectory(prefix="merged-", dir=files.work_dir()) as folder:
        model, extra, request = base, dict[str, Any](), None
        if adapter is not None:
            config = check_adapter(adapter, base)
            if torch.cuda.is_available():
                from vllm.lora.request import LoRARequest

                request = LoRARequest("tuned", 1, str(Path(adapter).resolve()))
                ranks = (8, 16, 32, 64, 128, 256, 320, 512)
                rank = next((r for r in ranks if r >= config["r"]), ranks[-1])
                extra = {"enable_lora": True, "max_lora_rank": rank}
            else:
                # Serving the adapter apart is several times slower on a processor.
                merge(base, adapter, folder)
                model = folder
        llm = engine.engine(model, options, seed, **extra)
        try:
            yield llm, request
        finally:
            engine.shutdown(llm)


def check_lengths(llm: Any, conversations: list[list[dict[str, str]]], room: int) -> None:
    """Raise InputError for the first conversation that leaves no room for its answer, in tokens."""
    tokenizer = llm.get_tokenizer()
    for number, conversation in enumerate(conversations, 1):
        text = tokenizer.apply_chat_template(
            conversation, tokenize=False, add_generation_prompt=True
        )
        tokens = len(tokenizer.encode(text, add_special_tokens=False))
        if tokens > room:
            raise InputError(
                f"golden row {number}: {tokens} tokens with the system prompt, {room} fit; "
                "shorten the query or raise engine.max_model_len"
            )


def answer(
    base: str,
    adapter: str | Path | None,
    system: str,
    queries: list[str],
    options: settings.Engine,
    max_tokens: int,
    seed: int = 0,
) -> Answers:
    """Ask the base model (with `adapter` on it, unless None) every query, at temperature 0.

    An answer ends where the model ends it, or after `max_tokens`. Raises InputError for a model,
    adapter or query that cannot be served.
    """
    conversations = [
        [{"role": "system", "content": system}, {"role": "user", "content": query}]
        for query in queries
    ]
    with _served(base, adapter, options, seed) as (llm, request):
        from vllm import SamplingParams

        check_lengths(llm, conversations, options.max_model_len - max_tokens)
        start = time.perf_counter()
        outputs = llm.chat(
            conversations,
            SamplingParams(temperature=0.0, max_tokens=max_tokens),
            use_tqdm=sys.stderr.isatty(),
            lora_request=request,
        )
        seconds = time.perf_counter() - start
    return Answers([output.outputs[0].text for output in outputs], seconds)
