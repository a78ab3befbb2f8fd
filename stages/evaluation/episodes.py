"""Conversations that go on: the user's turns are known beforehand, a model answers each in steps,
and what its calls give back comes from an environment.

A turn ends with an answer without a call that can be read. All conversations go on together, a
step at a time, so that an engine has many of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stages import formats
from stages.core.catalogue import Catalogue
from stages.core.conversation import Call, Message, assistant
from stages.core.settings import Settings
from stages.engines.thinking import after_thoughts
from stages.evaluation.asking import Asker, Conversation, lengths
from stages.formats import Format
from stages.formats.parsed import Parsed

# How a conversation ended: after its last turn; before an answer for which the context has no
# room; in a turn with more steps than it may have.
OVER, TOO_LONG, TOO_MANY_STEPS = "over", "too_long", "too_many_steps"
MOST_STEPS = 20


class Environment(Protocol):
    """Where calls are done. Whatever a model calls, there is a result, a text."""

    def call(self, call: Call) -> str: ...


@dataclass(frozen=True)
class Turn:
    """What the user says, and the functions that the model is shown from there on."""

    said: Sequence[Message]
    shown: Catalogue


@dataclass(frozen=True)
class Step:
    """An answer, and what its calls gave back."""

    completion: str
    parsed: Parsed
    results: tuple[str, ...] = ()


@dataclass
class Episode:
    """A conversation in progress. most_steps: steps with calls that a turn may have; one more ends
    the conversation. steps: of each turn that was begun; ended: None while it goes on.
    """

    form: Format
    turns: Sequence[Turn]
    environment: Environment
    most_steps: int = MOST_STEPS
    today: str | None = None
    messages: list[Message] = field(default_factory=list)
    steps: list[list[Step]] = field(default_factory=list)
    ended: str | None = None

    def __post_init__(self) -> None:
        self._next_turn()

    def conversation(self) -> Conversation | None:
        """What the model is to answer now, None where the conversation has ended."""
        if self.ended is not None:
            return None
        shown = self.turns[len(self.steps) - 1].shown
        return formats.conversation(self.form, self.messages, shown.tools, self.today)

    def answered(self, completion: str) -> None:
        """Take the model's answer: do its calls and go on, or begin the next turn."""
        text = after_thoughts(completion)
        parsed = self.form.parse(text, self.turns[len(self.steps) - 1].shown)
        turn = self.steps[-1]
        if not parsed.calls:
            turn.append(Step(completion, parsed))
            self.messages.append(assistant(text))
            self._next_turn()
            return
        results = tuple(map(self.environment.call, parsed.calls))
        turn.append(Step(completion, parsed, results))
        called = assistant(parsed.calls, sum(m["role"] == "tool" for m in self.messages))
        self.messages += [called, *told(called, results)]
        if len(turn) > self.most_steps:
            self.ended = TOO_MANY_STEPS

    def too_long(self) -> None:
        """End, for the context has no room for another answer."""
        self.ended = TOO_LONG

    def _next_turn(self) -> None:
        if len(self.steps) == len(self.turns):
            self.ended = OVER
            return
        self.messages += self.turns[len(self.steps)].said
        self.steps.append([])


def told(called: Message, results: Sequence[str]) -> list[Message]:
    """The messages of what the calls of a message gave back."""
    return [
        {"role": "tool", "tool_call_id": call["id"], "content": result}
        for call, result in zip(called["tool_calls"], results, strict=True)
    ]


# Conversations to answers, None for one that leaves no room for an answer.
Ask = Callable[[Sequence[Conversation]], Sequence[str | None]]


def play(episodes: Sequence[Episode], ask: Ask) -> None:
    """Ask all conversations that go on, a step at a time, until all have ended."""
    while True:
        asked = [
            (one, conversation)
            for one in episodes
            if (conversation := one.conversation()) is not None
        ]
        if not asked:
            return
        answers = ask([conversation for _, conversation in asked])
        for (one, _), completion in zip(asked, answers, strict=True):
            if completion is None:
                one.too_long()
            else:
                one.answered(completion)


@dataclass
class Asking:
    """`Ask` by a model. tokenizer: the folder of the one that counts tokens; seconds: what the
    answers took, without the start-up.
    """

    asker: Asker
    tokenizer: str
    seconds: float = 0.0

    def __call__(self, conversations: Sequence[Conversation]) -> list[str | None]:
        room = room_for_prompt(self.asker.settings)
        fits = [length <= room for length in lengths(self.tokenizer, conversations)]
        asked = [one for one, is_short in zip(conversations, fits, strict=True) if is_short]
        answers = self.asker.answers(asked)
        self.seconds += answers.seconds
        completions = iter(answers.completions)
        return [next(completions) if is_short else None for is_short in fits]


def room_for_prompt(settings: Settings) -> int:
    """Tokens that a prompt may have, so that an answer fits into the context."""
    return settings.engine.max_model_len - settings.evaluate.max_tokens
