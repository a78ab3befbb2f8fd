"""Engines: what completes prompts, one per file, all behind the function type `Complete`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

from stages.engines.thinking import spoken

# Chat messages; a content is a text or, for a model that sees, a list of OpenAI's parts.
Messages = list[dict[str, Any]]
ONLY_THOUGHT = (
    "the model thought and said nothing: raise sampling.max_tokens, empty sampling.stop, or name "
    "a writer that does not think"
)


@dataclass(frozen=True)
class Ask:
    """One request: chat messages, sampling settings by vLLM's names, the request's own seed.

    A last message of role `begin` is the beginning of the answer, from which the model goes on.
    tokens: a whole prompt in place of messages, which are empty then; its answer stays unchanged.
    """

    messages: Messages
    sampling: dict[str, Any]
    seed: int
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True)
class Failed:
    """Why a request has no answer; it is not stored, so the next run asks again. `fatal` if the
    engine is gone or refuses all, so that no other request has a chance either.
    """

    reason: str
    fatal: bool = False


Answer = str | Failed
# Answers in the order of the requests; with `begin`, the beginning is part of the answer.
Complete = Callable[[list[Ask]], list[Answer]]
# Waits for the answers to requests that an engine has.
Wait = Callable[[], list[Answer]]


@runtime_checkable
class Ahead(Protocol):
    """What a `Complete` has that can work on more requests before the first are waited for."""

    def start(self, asks: list[Ask]) -> Wait: ...


def started(complete: Complete, asks: list[Ask]) -> Wait:
    """Give an engine its requests; it may get more before the first are waited for.

    One that cannot work ahead begins when it is waited for.
    """
    return complete.start(asks) if isinstance(complete, Ahead) else partial(complete, asks)


def begins(messages: Messages) -> bool:
    """Whether the prompt ends with the beginning of the query."""
    return bool(messages) and messages[-1]["role"] == "begin"


def beginning(messages: Messages) -> str:
    """The beginning of the query; empty if the prompt ends without one."""
    return str(messages[-1]["content"]) if begins(messages) else ""


def as_chat(messages: Messages) -> Messages:
    """The messages with the roles that chat templates know."""
    return [m | {"role": "assistant" if m["role"] == "begin" else m["role"]} for m in messages]


def by_prefix(asks: list[Ask]) -> list[int]:
    """The order in which requests that share a beginning run together, as positions in `asks`;
    prompts of tokens stay as they are.
    """
    return sorted(range(len(asks)), key=lambda i: json.dumps(asks[i].messages))


def heard(ask: Ask, text: str, stops: Sequence[str] = ()) -> Answer:
    """What a model said as the answer to `ask`: after its beginning, without thinking, up to the
    first of `stops`, which an engine that stopped there itself does not need.
    """
    if ask.tokens:
        return text
    answer = spoken(text)
    if answer is None:
        return Failed(ONLY_THOUGHT)
    apart = " " if answer != text and begins(ask.messages) else ""
    if stops:
        answer = answer.lstrip("\n")
    for stop in stops:
        answer = answer.partition(stop)[0]
    return beginning(ask.messages) + apart + answer
