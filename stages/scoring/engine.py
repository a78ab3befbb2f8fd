"""Answers to golden queries through vLLM, from the base model or with an adapter on it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.contracts import engine, files, settings
from stages.contracts.command import InputError
from stages.contracts.pace import Pace
from stages.contracts.store import Store, key

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PEFT_PREFIX = "base_model.model."
# Answers that a killed run loses at most: so many times those that run together.
ROUNDS = 2


@dataclass(frozen=True)
class Answers:
    """One completion for each query, in order, and the seconds they took without the start-up."""

    completions: list[str]
    seconds: float


def base_shapes(base: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter of the model in the folder `base`; loads no weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base))
    return {name: tuple(value.shape) for name, value in model.named_parameters()}


def adapter_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every LoRA matrix in a safetensors file; reads its header only."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as tensors:
            return {
                name.removeprefix(PEFT_PREFIX): tuple(tensors.get_slice(name).get_shape())
                for name in tensors.keys()  # noqa: SIM118 (no mapping)
                if name.endswith((".lora_A.weight", ".lora_B.weight"))
            }
    except SafetensorError as error:
        raise InputError(f"{file} is no readable safetensors file: {error}") from None


def check_adapter(adapter: str | Path, base: str) -> dict[str, Any]:
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
    found = adapter_shapes(adapter / ADAPTER_WEIGHTS)
    if not found:
        raise InputError(f"{adapter / ADAPTER_WEIGHTS} holds no LoRA matrices")
    wanted = base_shapes(base)
    told = (
        f"adapter {adapter} (trained on {config.get('base_model_name_or_path')}) does not fit the "
        f"base model {base}"
    )
    for name, shape in found.items():
        module, matrix = name.rsplit(".lora_", 1)
        weight = wanted.get(f"{module}.weight")
        if weight is None:
            raise InputError(f"{told}: that has no {module}; name the base it was trained on")
        # Weights are (outputs, inputs), in GPT-2's Conv1D the reverse. A is (rank, inputs), B is
        # (outputs, rank).
        outputs, inputs = weight[::-1] if config.get("fan_in_fan_out") else weight
        side, have, want = (
            ("inputs", shape[1], inputs)
            if matrix.startswith("A")
            else ("outputs", shape[0], outputs)
        )
        if have != want:
            raise InputError(
                f"{told}: {module} has {want} {side}, the adapter {have}; name the base it was "
                "trained on"
            )
    return config


def merge(base: str, adapter: str | Path, out: str | Path) -> None:
    """Write the base model with the adapter added to its weights, and its tokenizer, to `out`.

    Adds in float32 and rounds once, to the base model's own type.
    """
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(base, dtype="auto", use_safetensors=True)
    kept = model.dtype
    merged = PeftModel.from_pretrained(model.float(), str(adapter)).merge_and_unload()
    merged.to(kept).save_pretrained(out)
    AutoTokenizer.from_pretrained(base).save_pretrained(out)


@contextmanager
def _served(
    base: str, adapter: str | Path | None, options: settings.Engine, seed: int
) -> Iterator[tuple[Any, Any]]:
    """A running engine and the LoRA request for it (None where no adapter is served apart)."""
    engine.quiet()
    import torch

    with files.scratch("merged") as folder:
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
                model = str(folder)
        llm = engine.engine(model, options, seed, **extra)
        try:
            yield llm, request
        finally:
            engine.shutdown(llm)


def check_lengths(llm: Any, conversations: dict[int, list[dict[str, str]]], room: int) -> None:
    """Raise InputError for the first conversation that leaves no room for its answer, in tokens.

    The conversations are keyed by their row number, from 0.
    """
    tokenizer = llm.get_tokenizer()
    for number, conversation in conversations.items():
        text = tokenizer.apply_chat_template(
            conversation, tokenize=False, add_generation_prompt=True
        )
        tokens = len(tokenizer.encode(text, add_special_tokens=False))
        if tokens > room:
            raise InputError(
                f"golden row {number + 1}: {tokens} tokens with the system prompt, {room} fit; "
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
    kept: Store | None = None,
    model: str = "",
) -> Answers:
    """Ask the base model (with `adapter` on it, unless None) every query, at temperature 0.

    An answer ends where the model ends it, or after `max_tokens`. With a store `kept`, answers that
    it has of `model` (a name for base and adapter together) are taken from there, with the time
    that they took, and new ones go there as they come. Raises InputError for a model, adapter or
    query that cannot be served.
    """
    conversations = [
        [{"role": "system", "content": system}, {"role": "user", "content": query}]
        for query in queries
    ]
    sampling = {"temperature": 0.0, "max_tokens": max_tokens}
    names = [key(model, conversation, sampling, seed) for conversation in conversations]
    found = {} if kept is None else {n: json.loads(t) for n, t in kept.get(names).items()}
    asked = {name: n for n, name in enumerate(names) if name not in found}
    if kept is not None:
        kept.count(model, len(queries) - len(asked), len(asked))
    if asked:
        with _served(base, adapter, options, seed) as (llm, request):
            from vllm import SamplingParams

            missing = list(asked)
            room = options.max_model_len - max_tokens
            check_lengths(llm, {n: conversations[n] for n in asked.values()}, room)
            size = ROUNDS * options.max_num_seqs
            pace = Pace()
            for first in range(0, len(missing), size):
                part = missing[first : first + size]
                start = time.perf_counter()
                outputs = llm.chat(
                    [conversations[asked[name]] for name in part],
                    SamplingParams(**sampling),
                    use_tqdm=False,
                    lora_request=request,
                )
                seconds = (time.perf_counter() - start) / len(part)
                fresh = {
                    name: {"text": output.outputs[0].text, "seconds": seconds}
                    for name, output in zip(part, outputs, strict=True)
                }
                if kept is not None:
                    kept.put(model, [(name, json.dumps(one)) for name, one in fresh.items()])
                found |= fresh
                done = min(first + size, len(missing))
                pace.add(done)
                print(f"answered {done} of {len(missing)} queries, "
                      f"{pace.left(len(missing) - done)}", flush=True)  # fmt: skip
    answers = [found[name] for name in names]
    return Answers([one["text"] for one in answers], sum(one["seconds"] for one in answers))
