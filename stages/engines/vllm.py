"""Engine `vllm`: in this process, offline, continuous batches with prefix caching."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from stages.core import settings
from stages.engines import Answer, Ask, Complete, Failed, Wait, as_chat, beginning, by_prefix, heard

DIED = (
    "the vLLM engine died ({}). What was written is kept: run the stage again, with a smaller "
    "engine.max_num_seqs or engine.max_model_len if memory ran out"
)


@contextmanager
def serving(folder: str, options: settings.Engine, seed: int, **extra: Any) -> Iterator[Complete]:
    """vLLM with the model in `folder`; its memory is free again after the block."""
    from stages.engines.engine import engine, shutdown

    llm = engine(folder, options, seed, **extra)
    try:
        template = getattr(llm.get_tokenizer(), "chat_template", None)
        yield Offline(llm, "enable_thinking" in str(template))
    finally:
        shutdown(llm)


class Offline:
    """A `vllm.LLM` as `Complete`; requests with equal prefixes run together.

    Requests of several calls of `start` run side by side, so that the engine does not idle while
    the longest answers of the first are written.
    """

    def __init__(self, llm: Any, can_think: bool = False) -> None:
        self.llm = llm
        # A model that would think first is asked not to, where its chat template knows how.
        self.template = {"chat_template_kwargs": {"enable_thinking": False}} if can_think else {}
        self.ended: dict[str, Any] = {}  # vLLM's outputs by its numbers, until they are asked for

    def __call__(self, asks: list[Ask]) -> list[Answer]:
        return self.start(asks)()

    def start(self, asks: list[Ask]) -> Wait:
        """Hand the requests to the engine."""
        given: list[str | Failed] = [""] * len(asks)
        order = by_prefix(asks)
        for begun in (False, True):
            part = [i for i in order if bool(beginning(asks[i].messages)) == begun]
            for i, number in zip(part, self._add([asks[i] for i in part], begun), strict=True):
                given[i] = number
        return partial(self._answers, asks, given)

    def _add(self, asks: list[Ask], begun: bool) -> list[str | Failed]:
        """vLLM's numbers of requests that all have, or all lack, a beginning."""
        from vllm import SamplingParams
        from vllm.exceptions import VLLMClientError

        if not asks:
            return []
        try:
            names = self.llm.enqueue_chat(
                [as_chat(ask.messages) for ask in asks],
                [SamplingParams(**ask.sampling, seed=ask.seed) for ask in asks],
                use_tqdm=False,
                add_generation_prompt=not begun,
                continue_final_message=begun,
                **self.template,
            )
        except (ValueError, VLLMClientError) as error:
            # One request that vLLM refuses, such as a prompt too long, refuses the whole batch.
            if len(asks) == 1:
                return [Failed(" ".join(str(error).split())[:300])]
            middle = len(asks) // 2
            return self._add(asks[:middle], begun) + self._add(asks[middle:], begun)
        except Exception as error:  # EngineDeadError or, in this process, whatever killed it
            return [_died(error)] * len(asks)
        # Outputs carry the number alone, without the random letters after it.
        return [name.partition("-")[0] for name in names]

    def _answers(self, asks: list[Ask], given: list[str | Failed]) -> list[Answer]:
        """Let the engine work until these requests are answered."""
        missing = {number for number in given if isinstance(number, str)} - self.ended.keys()
        died = Failed("not asked")
        try:
            engine = self.llm.llm_engine
            while missing:
                outputs = {one.request_id: one for one in engine.step() if one.finished}
                self.ended |= outputs
                missing -= outputs.keys()
        except Exception as error:  # as above
            died = _died(error)
        answers: list[Answer] = []
        for ask, number in zip(asks, given, strict=True):
            if isinstance(number, Failed):
                answers.append(number)
            elif number in missing:
                answers.append(died)
            else:
                text = self.ended.pop(number).outputs[0].text
                answers.append(heard(ask, text))
        return answers


def _died(error: Exception) -> Failed:
    told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return Failed(DIED.format(told), fatal=True)
