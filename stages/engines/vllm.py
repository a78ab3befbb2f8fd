"""Engine `vllm`: in this process, offline, continuous batches with prefix caching."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from stages.core import connections, files
from stages.engines import Answer, Ask, Complete, Failed, Wait, as_chat, beginning, by_prefix, heard

DIED = (
    "the vLLM engine died ({}). What was written is kept: run the stage again, with a smaller "
    "engine.max_num_seqs or engine.max_model_len if memory ran out"
)


@contextmanager
def serving(
    folder: str,
    options: connections.Engine,
    seed: int,
    adapter: str | Path | None = None,
    **extra: Any,
) -> Iterator[Complete]:
    """vLLM with the model in `folder`, and the LoRA adapter in the folder `adapter` on it; its
    memory is free again after the block. Raises InputError for what cannot be served.
    """
    from stages.engines.engine import engine, quiet, shutdown

    with ExitStack() as stack:
        lora = None
        if adapter is not None:
            quiet()
            copy = stack.enter_context(files.scratch("merged"))
            folder, lora, more = _adapted(folder, adapter, copy)
            extra |= more
        llm = engine(folder, options, seed, **extra)
        stack.callback(shutdown, llm)
        template = getattr(llm.get_tokenizer(), "chat_template", None)
        yield Offline(llm, "enable_thinking" in str(template), lora)


def _adapted(base: str, adapter: str | Path, copy: Path) -> tuple[str, Any, dict[str, Any]]:
    """The model to serve for an adapter, the LoRA request for each prompt (None where the adapter
    is merged into a copy of the base model, in the folder `copy`), and vLLM's arguments.
    """
    rank = merged(base, adapter, copy)
    return (base, *_apart(adapter, rank)) if rank else (str(copy), None, {})


def merged(base: str, adapter: str | Path, copy: Path) -> int:
    """Merge the adapter into a copy of the base model, in the folder `copy`, where that is how it
    is served, and return 0; its rank where it is served apart. Raises InputError for what cannot be
    served.
    """
    import torch

    from stages.engines.adapter import check_adapter, merge
    from stages.engines.rounding import is_rounded

    config = check_adapter(adapter, base)
    patterns = config.get("rank_pattern") or config.get("alpha_pattern")
    if torch.cuda.is_available() and not patterns and not is_rounded(adapter):
        return int(config["r"])
    # Serving the adapter apart is several times slower on a processor, vLLM takes one scale for all
    # matrices, and the base model beside it would be the one that was not rounded.
    merge(base, adapter, copy)
    return 0


def _apart(adapter: str | Path, rank: int) -> tuple[Any, dict[str, Any]]:
    """The LoRA request of an adapter that is served next to its base model; vLLM's arguments."""
    from vllm.lora.request import LoRARequest

    request = LoRARequest("tuned", 1, str(Path(adapter).resolve()))
    return request, room(rank)


def room(rank: int) -> dict[str, Any]:
    """vLLM's arguments for an adapter of that rank next to its base model."""
    from stages.engines.adapter import RANKS

    return {"enable_lora": True, "max_lora_rank": next(r for r in RANKS if r >= rank)}


class Offline:
    """A `vllm.LLM` as `Complete`; requests with equal prefixes run together.

    Requests of several calls of `start` run side by side, so that the engine does not idle while
    the longest answers of the first are written.
    """

    def __init__(self, llm: Any, can_think: bool = False, lora: Any = None) -> None:
        self.llm = llm
        self.lora = {} if lora is None else {"lora_request": lora}
        # A model that would think first is asked not to, where its chat template knows how.
        self.template = {"chat_template_kwargs": {"enable_thinking": False}} if can_think else {}
        self.ended: dict[str, Any] = {}  # vLLM's outputs by its numbers, until they are asked for

    def __call__(self, asks: list[Ask]) -> list[Answer]:
        return self.start(asks)()

    def start(self, asks: list[Ask]) -> Wait:
        """Hand the requests to the engine."""
        numbers: list[str | Failed] = [""] * len(asks)
        order = by_prefix(asks)
        kinds = [(bool(ask.tokens), bool(beginning(ask.messages))) for ask in asks]
        for kind in sorted(set(kinds)):
            part = [i for i in order if kinds[i] == kind]
            for i, number in zip(part, self._add([asks[i] for i in part]), strict=True):
                numbers[i] = number
        return partial(self._answers, asks, numbers)

    def _add(self, asks: list[Ask]) -> list[str | Failed]:
        """vLLM's numbers of requests of one kind: all of tokens, or with or without a beginning."""
        from vllm.exceptions import VLLMClientError

        try:
            sampling = [_sampling(ask) for ask in asks]
            if asks[0].tokens:
                names = self.llm.enqueue(
                    [{"prompt_token_ids": list(ask.tokens)} for ask in asks],
                    sampling,
                    use_tqdm=False,
                    **self.lora,
                )
            else:
                begun = bool(beginning(asks[0].messages))
                names = self.llm.enqueue_chat(
                    [as_chat(ask.messages) for ask in asks],
                    sampling,
                    use_tqdm=False,
                    add_generation_prompt=not begun,
                    continue_final_message=begun,
                    **self.template,
                    **self.lora,
                )
        except (ValueError, VLLMClientError) as error:
            # One request that vLLM refuses, such as a prompt too long, refuses the whole batch.
            if len(asks) == 1:
                return [Failed(" ".join(str(error).split())[:300])]
            middle = len(asks) // 2
            return self._add(asks[:middle]) + self._add(asks[middle:])
        except Exception as error:  # EngineDeadError or, in this process, whatever killed it
            return [_died(error)] * len(asks)
        # Outputs carry only the number, without the random letters after it.
        return [name.partition("-")[0] for name in names]

    def _answers(self, asks: list[Ask], numbers: list[str | Failed]) -> list[Answer]:
        """Let the engine work until these requests are answered."""
        missing = {number for number in numbers if isinstance(number, str)} - self.ended.keys()
        died = Failed("not asked")
        try:
            engine = self.llm.llm_engine
            while missing:
                outputs = {output.request_id: output for output in engine.step() if output.finished}
                self.ended |= outputs
                missing -= outputs.keys()
        except Exception as error:  # as above
            died = _died(error)
        answers: list[Answer] = []
        for ask, number in zip(asks, numbers, strict=True):
            if isinstance(number, Failed):
                answers.append(number)
            elif number in missing:
                answers.append(died)
            else:
                text = self.ended.pop(number).outputs[0].text
                answers.append(heard(ask, text))
        return answers


def _sampling(ask: Ask) -> Any:
    """The request's `SamplingParams`."""
    from vllm import SamplingParams

    options = dict(ask.sampling)
    if (bounds := options.pop("structured_outputs", None)) is not None:
        from vllm.sampling_params import StructuredOutputsParams

        options["structured_outputs"] = StructuredOutputsParams(**bounds)
    return SamplingParams(**options, seed=ask.seed)


def _died(error: Exception) -> Failed:
    message = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return Failed(DIED.format(message), fatal=True)
