"""Answers to golden queries through vLLM, from the base model or with an adapter on it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.core import files, settings
from stages.core.command import InputError
from stages.core.pace import Pace
from stages.engines import engine, models
from stages.engines.store import Store, key
from stages.evaluation.adapter import RANKS, check_adapter
from stages.formats import chat_template

# Messages, and the tools that the chat template is to write itself, else None.
Conversation = tuple[list[dict[str, Any]], list[dict[str, Any]] | None]
# Answers that a killed run loses at most: so many times those that run together.
ROUNDS = 2


@dataclass(frozen=True)
class Answers:
    """One completion for each query, in order, and the seconds they took without the start-up."""

    completions: list[str]
    seconds: float


def merge(base: str, adapter: str | Path, out: str | Path) -> None:
    """Write the base model with the adapter added to its weights, and its tokenizer, to `out`.

    Adds in float32 and rounds once, to the base model's own type.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        base, dtype="auto", use_safetensors=True, trust_remote_code=False
    )
    kept = model.dtype
    merged = PeftModel.from_pretrained(model.float(), str(adapter)).merge_and_unload().to(kept)
    with torch.no_grad():
        few = torch.arange(8)[None] % merged.config.get_text_config().vocab_size
        finite = torch.isfinite(merged(few, use_cache=False).logits).all()
    if not finite or not all(torch.isfinite(value).all() for value in merged.parameters()):
        raise InputError(
            f"adapter {adapter} on {base} computes NaN or infinity: the training has diverged, or "
            "lora_alpha is too large; train again with a smaller learning rate"
        )
    merged.save_pretrained(out)
    models.load_tokenizer(base).save_pretrained(out)


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
            patterns = config.get("rank_pattern") or config.get("alpha_pattern")
            if torch.cuda.is_available() and not patterns:
                from vllm.lora.request import LoRARequest

                request = LoRARequest("tuned", 1, str(Path(adapter).resolve()))
                rank = next(r for r in RANKS if r >= config["r"])
                extra = {"enable_lora": True, "max_lora_rank": rank}
            else:
                # Serving the adapter apart is several times slower on a processor, and vLLM
                # takes one scale for all matrices.
                merge(base, adapter, folder)
                model = str(folder)
        llm = engine.engine(model, options, seed, **extra)
        try:
            yield llm, request
        finally:
            engine.shutdown(llm)


def prompts(
    base: str, conversations: Sequence[Conversation], room: int
) -> tuple[list[list[int]], int | None]:
    """The conversations as tokens, as training has them before an answer, and the token that ends
    an answer (None: the template has none).

    Raises InputError for the first that leaves no room for its answer, `room` being in tokens.
    """
    template = chat_template.read(models.load_tokenizer(base), learn=False)
    found = [template.ids(template.prompt(messages, tools)) for messages, tools in conversations]
    for number, ids in enumerate(found):
        if len(ids) > room:
            raise InputError(
                f"golden row {number + 1}: {len(ids)} tokens with the system prompt, {room} fit; "
                "shorten the query or raise engine.max_model_len"
            )
    return found, template.end


def answer(
    base: str,
    adapter: str | Path | None,
    conversations: Sequence[Conversation],
    options: settings.Engine,
    max_tokens: int,
    seed: int = 0,
    kept: Store | None = None,
    model: str = "",
    grammars: Sequence[str | None] | None = None,
) -> Answers:
    """Ask the base model (with `adapter` on it, unless None) every conversation, at temperature 0:
    any messages, and tools where the template writes them.

    An answer ends where the model ends it, or after `max_tokens`. With a store `kept`, answers that
    it has of `model` (a name for base and adapter together) are taken from there, with the time
    that they took, and new ones go there as they come. grammars: what each answer must keep, None
    where it is free; without them all are. Raises InputError for a model, adapter or query that
    cannot be served.
    """
    sampling = {"temperature": 0.0, "max_tokens": max_tokens}
    bounds = [None] * len(conversations) if grammars is None else grammars
    names = [
        key(
            model,
            messages if tools is None else [*messages, {"tools": tools}],
            sampling if grammar is None else sampling | {"grammar": grammar},
            seed,
        )
        for (messages, tools), grammar in zip(conversations, bounds, strict=True)
    ]
    found = {} if kept is None else {n: json.loads(t) for n, t in kept.get(names).items()}
    asked = {name: n for n, name in enumerate(names) if name not in found}
    if kept is not None:
        kept.count(model, len(conversations) - len(asked), len(asked))
    if asked:
        ids, end = prompts(base, conversations, options.max_model_len - max_tokens)
        with _served(base, adapter, options, seed) as (llm, request):
            from vllm import SamplingParams

            missing = list(asked)
            # The end of a turn is not always among the tokens that the model names as its end.
            ends = None if end is None else [end]

            def drawn(grammar: str | None) -> SamplingParams:
                if grammar is None:
                    return SamplingParams(**sampling, stop_token_ids=ends)
                from vllm.sampling_params import StructuredOutputsParams

                kept_to = StructuredOutputsParams(grammar=grammar)
                return SamplingParams(**sampling, stop_token_ids=ends, structured_outputs=kept_to)

            size = ROUNDS * options.max_num_seqs
            pace = Pace()
            for first in range(0, len(missing), size):
                part = missing[first : first + size]
                start = time.perf_counter()
                outputs = llm.generate(
                    [{"prompt_token_ids": ids[asked[name]]} for name in part],
                    [drawn(bounds[asked[name]]) for name in part],
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
