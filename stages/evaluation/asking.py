"""Answers to queries, from the base model or with an adapter on it: the completion store
before, the engine that `evaluate.engine` names behind.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.core import files
from stages.core.command import InputError
from stages.core.pace import Pace
from stages.core.settings import Settings
from stages.engines import Ask, Complete, Failed, Messages, models
from stages.engines.probing import Probe
from stages.engines.store import NAME, Store, key
from stages.formats import chat_template

# Messages, and the tools that the chat template is to write itself, else None.
Conversation = tuple[Messages, list[dict[str, Any]] | None]
# Answers that a killed run loses at most: so many times those that run together.
ROUNDS = 2


@dataclass(frozen=True)
class Answers:
    """One completion for each query, in order, and the seconds they took without the start-up."""

    completions: list[str]
    seconds: float


@dataclass(frozen=True)
class Student:
    """A model in place of models.student. tokenizer: the folder whose tokenizer and chat template
    write the prompts; weights: the folder of the model, None where only a server has it.
    """

    tokenizer: str
    weights: str | None

    def identity(self, settings: Settings) -> str:
        """Which model it is, for the store: its weights, else the server's address."""
        address = settings.evaluate.server.address
        return models.digest(self.weights) if self.weights is not None else address


@dataclass(frozen=True)
class Prompt:
    """A conversation before its answer, as text and as the student's tokens."""

    text: str
    tokens: tuple[int, ...]


def prompts(
    base: str, conversations: Sequence[Conversation], room: int
) -> tuple[list[Prompt], int | None]:
    """The conversations as training has them before an answer, and the token that ends an answer
    (None: the template has none).

    Raises InputError for the first that leaves no room for its answer, `room` being in tokens.
    """
    rendered, end = _rendered(base, conversations)
    for number, prompt in enumerate(rendered):
        if len(prompt.tokens) > room:
            raise InputError(
                f"query {number + 1}: {len(prompt.tokens)} tokens with the system prompt, "
                f"{room} fit; shorten the query or raise engine.max_model_len"
            )
    return rendered, end


def lengths(base: str, conversations: Sequence[Conversation]) -> list[int]:
    """How many tokens each conversation has before its answer."""
    return [len(prompt.tokens) for prompt in _rendered(base, conversations)[0]]


def _rendered(base: str, conversations: Sequence[Conversation]) -> tuple[list[Prompt], int | None]:
    template = chat_template.read(models.load_tokenizer(base), learn=False)
    texts = [template.prompt(messages, tools) for messages, tools in conversations]
    return [Prompt(text, tuple(template.ids(text))) for text in texts], template.end


@dataclass
class Asker:
    """A model that can be asked again and again; see `asking`. Its engine starts with the first
    answer that the store lacks, in `opened`.
    """

    settings: Settings
    adapter: Path | None
    student: Student | None
    model: str
    store: Store
    opened: ExitStack
    complete: Complete | None = None

    def answers(
        self,
        conversations: Sequence[Conversation],
        grammars: Sequence[str | None] | None = None,
    ) -> Answers:
        """As `answer` has it."""
        settings, model, store, student = self.settings, self.model, self.store, self.student
        bounds = [None] * len(conversations) if grammars is None else list(grammars)
        keys = [
            _key(model, settings, conversation, grammar)
            for conversation, grammar in zip(conversations, bounds, strict=True)
        ]
        by_key = {one: json.loads(text) for one, text in store.get(keys).items()}
        missing = {one: row for row, one in enumerate(keys) if one not in by_key}
        store.count(model, len(keys) - len(missing), len(missing))
        if by_key and student and student.weights is None:
            print(
                f"{len(keys) - len(missing)} of {len(keys)} answers are those that {model} gave "
                "before: if it is another model now, let the server give it another name"
            )
        if missing:
            asks, probe = requests(settings, conversations, bounds, student)
            if self.complete is None:
                started = engine(settings, self.adapter, probe, student)
                self.complete = self.opened.enter_context(started)
            size = ROUNDS * together(settings)
            by_key |= _asked(self.complete, missing, asks, store, model, size)
        answers = [by_key[one] for one in keys]
        return Answers([one["text"] for one in answers], sum(one["seconds"] for one in answers))


@contextmanager
def asking(
    settings: Settings, adapter: Path | None, student: Student | None = None
) -> Iterator[Asker]:
    """The student (with `adapter` on it, unless None) behind one engine, which stays there for all
    that is asked within the context; see `answer`.
    """
    model, store = name(settings, adapter, student), Store(files.work_dir() / NAME)
    digest = hashlib.sha256(model.encode()).hexdigest()[:16]
    # An equal run beside this one waits, and finds the answers in the store.
    lock = files.work_dir() / f"engine-evaluate-{digest}.lock"
    with files.alone(lock), ExitStack() as opened:
        yield Asker(settings, adapter, student, model, store, opened)


def answer(
    settings: Settings,
    adapter: Path | None,
    conversations: Sequence[Conversation],
    grammars: Sequence[str | None] | None = None,
    student: Student | None = None,
) -> Answers:
    """Ask the student (with `adapter` on it, unless None) for an answer to each conversation, at
    temperature 0.

    An answer ends where the model ends it, or after `evaluate.max_tokens`. grammars: what each
    answer must match, None where it is free; without them all are. student: the model, by default
    models.student. Answers that the store has of this model are taken from there, with the time
    that they took, and new ones go there as they come. Raises InputError for a model, adapter,
    server or query that cannot be served.
    """
    with asking(settings, adapter, student) as asker:
        return asker.answers(conversations, grammars)


def name(settings: Settings, adapter: Path | None, student: Student | None = None) -> str:
    """The name of base and adapter together, for the store: by their weights and, where a server
    answers, what it calls them, for nobody here sees what it has loaded.
    """
    base = student.identity(settings) if student else models.identity("student")
    weights = base + (f"+{models.digest(adapter)}" if adapter else "")
    served = served_name(settings, adapter, student)
    return f"{weights} as {served}" if served else weights


def served_name(settings: Settings, adapter: Path | None, student: Student | None = None) -> str:
    """What the server calls the model; empty where no server answers. Raises InputError where the
    server is not there or has another model.
    """
    if settings.evaluate.engine != "server":
        return ""
    from stages.engines import server

    return server.name_scored(
        settings.evaluate.server, adapter is not None, adapter or _of(student).weights
    )


def _of(student: Student | None) -> Student:
    """The model that is asked, by default models.student."""
    folder = None if student else models.resolve("student")
    return student or Student(str(folder), folder)


def _key(model: str, settings: Settings, conversation: Conversation, grammar: str | None) -> str:
    """The store's key of an answer, the same whichever engine gives it."""
    messages, tools = conversation
    sampling = {"temperature": 0.0, "max_tokens": settings.evaluate.max_tokens}
    return key(
        model,
        messages if tools is None else [*messages, {"tools": tools}],
        sampling if grammar is None else sampling | {"grammar": grammar},
        settings.seed,
    )


def requests(
    settings: Settings,
    conversations: Sequence[Conversation],
    grammars: Sequence[str | None],
    student: Student | None = None,
) -> tuple[list[Ask], Probe]:
    """What an engine gets, and what a server is tried with first.

    All engines get the prompts of training as tokens, but a server without vLLM's fields, which
    gets the messages.
    """
    block = settings.evaluate
    sampling: dict[str, Any] = {"temperature": 0.0, "max_tokens": block.max_tokens}
    room = settings.engine.max_model_len - block.max_tokens
    ready, end = prompts(_of(student).tokenizer, conversations, room)
    probe = Probe(ready[0].text, ready[0].tokens, any(grammars))
    if block.engine == "server" and not block.server.vllm:
        return [Ask(messages, sampling, settings.seed) for messages, _ in conversations], probe
    # A server's default is that of the model's generation_config.json.
    sampling |= {"repetition_penalty": 1.0}
    if end is not None:
        # The end of a turn is not always among the tokens that the model names as its end.
        sampling |= {"stop_token_ids": [end]}
    asks = []
    for prompt, grammar in zip(ready, grammars, strict=True):
        constraint = {} if grammar is None else {"structured_outputs": {"grammar": grammar}}
        asks.append(Ask([], sampling | constraint, settings.seed, prompt.tokens))
    return asks, probe


def engine(
    settings: Settings, adapter: Path | None, probe: Probe, student: Student | None = None
) -> AbstractContextManager[Complete]:
    """The engine that `evaluate.engine` names, started when the context is entered."""
    block, weights = settings.evaluate, _of(student).weights
    if block.engine == "server":
        from stages.engines import server

        return server.scoring(block.server, adapter is not None, adapter or weights, probe)
    assert weights is not None, "only a server has the weights, and it is not asked"
    if block.engine == "ray":
        from stages.engines import ray

        return ray.serving(
            block.ray, weights, settings.engine, settings.seed, adapter, "evaluate.ray"
        )
    from stages.engines import vllm

    return vllm.serving(weights, settings.engine, settings.seed, adapter)


def together(settings: Settings) -> int:
    """How many requests the engine answers at the same time."""
    block = settings.evaluate
    if block.engine == "server":
        return block.server.concurrency
    if block.engine == "ray":
        from stages.engines.ray import SHARES

        # A replica gets its requests in so many parts, each of which should fill it.
        return settings.engine.max_num_seqs * block.ray.replicas * SHARES // ROUNDS
    return settings.engine.max_num_seqs


def _asked(
    complete: Complete,
    missing: dict[str, int],
    asks: Sequence[Ask],
    store: Store,
    model: str,
    size: int,
) -> dict[str, dict[str, Any]]:
    """Answers by key, `size` at a time, each on disk before the next are asked for. missing: key ->
    position in `asks`. Raises InputError at the first that has none.
    """
    answered: dict[str, dict[str, Any]] = {}
    keys, pace = list(missing), Pace()
    for first in range(0, len(keys), size):
        part = keys[first : first + size]
        start = time.perf_counter()
        answers = complete([asks[missing[one]] for one in part])
        seconds = (time.perf_counter() - start) / len(part)
        fresh = {
            one: {"text": text, "seconds": seconds}
            for one, text in zip(part, answers, strict=True)
            if not isinstance(text, Failed)
        }
        store.put(model, [(one, json.dumps(value)) for one, value in fresh.items()])
        for one, text in zip(part, answers, strict=True):
            if isinstance(text, Failed):
                where = "" if text.fatal else f"query {missing[one] + 1} has no answer: "
                raise InputError(f"{where}{text.reason}")
        answered |= fresh
        done = min(first + size, len(keys))
        pace.add(done)
        print(f"answered {done} of {len(keys)} queries, {pace.left(len(keys) - done)}", flush=True)
    return answered
