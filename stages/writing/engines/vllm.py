"""Engine `vllm`: in this process, offline batches with prefix caching."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from stages.contracts import settings
from stages.writing.engines import Answer, Ask, Complete, Failed, as_chat, beginning, by_prefix


@contextmanager
def serving(folder: str, options: settings.Engine, seed: int, **extra: Any) -> Iterator[Complete]:
    """vLLM with the model in `folder`; its memory is free again after the block."""
    from stages.contracts.engine import engine, shutdown

    llm = engine(folder, options, seed, **extra)
    try:
        yield partial(complete, llm)
    finally:
        shutdown(llm)


def complete(llm: Any, asks: list[Ask]) -> list[Answer]:
    """The answers of a `vllm.LLM`; requests with equal prefixes run together."""
    answers: list[Answer] = [""] * len(asks)
    order = by_prefix(asks)
    for begun in (False, True):
        part = [i for i in order if bool(beginning(asks[i].messages)) == begun]
        for i, answer in zip(part, _chat(llm, [asks[i] for i in part], begun), strict=True):
            answers[i] = answer
    return answers


def _chat(llm: Any, asks: list[Ask], begun: bool) -> list[Answer]:
    """Answers to requests that all have, or all lack, a beginning."""
    from vllm import SamplingParams
    from vllm.exceptions import VLLMClientError
    from vllm.v1.engine.exceptions import EngineDeadError

    if not asks:
        return []
    try:
        outputs = llm.chat(
            [as_chat(ask.messages) for ask in asks],
            [SamplingParams(**ask.sampling, seed=ask.seed) for ask in asks],
            use_tqdm=False,
            add_generation_prompt=not begun,
            continue_final_message=begun,
        )
    except EngineDeadError as error:
        told = (
            f"the vLLM engine died ({error}). What was written is kept: run the stage again, with "
            "a smaller engine.max_num_seqs or engine.max_model_len if memory ran out"
        )
        return [Failed(told, fatal=True)] * len(asks)
    except (ValueError, VLLMClientError) as error:
        # One request that vLLM refuses, such as a prompt too long, refuses the whole batch.
        if len(asks) == 1:
            return [Failed(" ".join(str(error).split())[:300])]
        middle = len(asks) // 2
        return _chat(llm, asks[:middle], begun) + _chat(llm, asks[middle:], begun)
    return [
        beginning(ask.messages) + output.outputs[0].text
        for ask, output in zip(asks, outputs, strict=True)
    ]
