"""Held-out conversations played in their worlds: a model calls, the world does it, and what counts
is what became of the world and what the model got to see (as BFCL's multi-turn categories and
tau-bench score, Yao et al. 2024, arXiv 2406.12045).

Each request is played on its own, after the right course of those before it, so that one mistake is
counted once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from stages import formats
from stages.core.catalogue import Catalogue
from stages.core.conversation import Call, Message, assistant, equal, results, user
from stages.core.journeys import Journey
from stages.core.worlds import World
from stages.engines.thinking import after_thoughts
from stages.evaluation import significance
from stages.evaluation.asking import Conversation
from stages.formats import Format
from stages.worlds.execution import Outcome, call
from stages.worlds.state import State

# Messages with calls that a model may make beyond those that are right, before it is stopped.
MORE_STEPS = 4
# Numbers of steps that are told apart; the last stands for all above.
STEPS = (1, 2, 3, 4)

Words = Mapping[str, Sequence[str]]


@dataclass
class Played:
    """A request and how a model dealt with it. before: the conversation so far, the user's message
    last; world_before, world_now: snapshots of the world as it was then, and as the model's calls
    have made it, for hundreds of requests are played side by side; wanted: the right calls by step.
    """

    journey: Journey
    request: int
    world: World
    world_before: bytes
    catalogue: Catalogue
    form: Format
    before: list[Message]
    calls_before: int
    wanted: tuple[tuple[Call, ...], ...]
    made: list[Call] = field(default_factory=list)
    given: list[Outcome] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    steps: int = 0
    is_over: bool = False
    error: str | None = None

    def __post_init__(self) -> None:
        self.messages, self.world_now = list(self.before), self.world_before

    @property
    def conversation(self) -> Conversation | None:
        """What the model is asked to go on with; None when the request is over."""
        if self.is_over:
            return None
        tools = self.catalogue.tools
        return formats.conversation(self.form, self.messages, tools, self.journey.today.isoformat())

    def answered(self, text: str) -> None:
        """Do what the model calls; without a call it is over."""
        parsed = self.form.parse(after_thoughts(text), self.catalogue)
        if parsed.error is not None or not parsed.calls:
            self.error, self.is_over = parsed.error, True
            return
        state = State.restored(self.world, self.world_now, self.journey.today)
        outcomes = [call(state, one.name, one.arguments) for one in parsed.calls]
        self.world_now = state.snapshot()
        state.close()
        message = assistant(parsed.calls, self.calls_before + len(self.made))
        self.messages += [message, *results(message, [one.result for one in outcomes])]
        self.made += parsed.calls
        self.given += outcomes
        self.steps += 1
        self.is_over = self.steps >= len(self.wanted) + MORE_STEPS

    def too_long(self) -> None:
        """It is over, for there is no room for an answer."""
        self.error, self.is_over = "too_long", True

    @cached_property
    def _right(self) -> tuple[str, list[Outcome]]:
        """The digest that the right calls lead to, and what they give."""
        state = State.restored(self.world, self.world_before, self.journey.today)
        given = [call(state, one.name, one.arguments) for step in self.wanted for one in step]
        digest = state.digest()
        state.close()
        return digest, given

    @cached_property
    def is_right(self) -> bool:
        """Whether the world is as the right calls leave it, and the model has seen what they give;
        where no call is right, whether it made none.
        """
        if not self.wanted or not self.made:
            return not self.wanted and not self.made and self.error is None
        digest, given = self._right
        seen = [one.result for one in self.given]
        state = State.restored(self.world, self.world_now, self.journey.today)
        now = state.digest()
        state.close()
        return now == digest and all(
            one.is_error or any(equal(one.result, result) for result in seen) for one in given
        )

    @property
    def is_exact(self) -> bool:
        """Whether it made just the right calls, in their order."""
        wanted = [one for step in self.wanted for one in step]
        return len(wanted) == len(self.made) and all(
            a.name == b.name and equal(a.arguments, b.arguments)
            for a, b in zip(wanted, self.made, strict=True)
        )

    @property
    def recovers(self) -> bool:
        """Whether an error stands on the right way."""
        return any(one.is_error for one in self._right[1])


def episodes(
    journeys: Sequence[Journey], catalogue: Catalogue, worlds: Mapping[str, World], words: Words,
    form: Format,
) -> list[Played]:  # fmt: skip
    """Each request of each journey, with the right course before it."""
    made = []
    for journey in journeys:
        world, shown = worlds[journey.world], catalogue.subset(journey.tools)
        state = State.open(world, journey.seed, journey.today, words)
        said: list[Message] = []
        done = 0
        for number, request in enumerate(journey.requests):
            before = [*said, user(request.query)]
            now = state.snapshot()
            made.append(
                Played(journey, number, world, now, shown, form, before, done, request.steps)
            )
            said = list(before)
            for step in request.steps:
                message = assistant(list(step), done)
                given = [call(state, one.name, one.arguments).result for one in step]
                said += [message, *results(message, given)]
                done += len(step)
            said.append(assistant(request.answer))
        state.close()
    return made


def scores(played: Sequence[Played], samples: int, seed: int) -> dict[str, Any]:
    """The figures of one model, with bootstrap intervals over the requests: `state`, the share of
    requests that end right; `single_step_exact`, of requests of one step those with just the right
    calls; `state_K` by number of steps; `recovery`, of requests whose right way meets an error;
    `refraining`, of those that want no call; then counts.
    """
    right = np.array([one.is_right for one in played], dtype=float)
    exact = np.array([one.is_exact for one in played], dtype=float)
    steps = np.array([min(len(one.wanted), STEPS[-1]) for one in played])
    concerned = {
        "state": (right, steps > 0),
        "single_step_exact": (exact, steps == 1),
        **{f"state_{n}": (right, steps == n) for n in STEPS},
        "recovery": (right, np.array([bool(one.wanted) and one.recovers for one in played])),
        "refraining": (right, steps == 0),
    }
    ratios = {
        name: np.stack([values * mask, mask.astype(float)], axis=1)
        for name, (values, mask) in concerned.items()
        if mask.any()
    }
    drawn = significance.bootstrap(ratios, {}, len(played), samples, seed)
    value: dict[str, Any] = {}
    for name, part in ratios.items():
        top, bottom = part.sum(axis=0)
        low, high = significance.percentiles(drawn[name])
        value |= {name: float(top / bottom), f"{name}_low": low, f"{name}_high": high}
    return {
        **value,
        "requests": len(played),
        "requests_by_steps": {str(n): int((steps == n).sum()) for n in (0, *STEPS)},
        "unreadable": sum(one.error not in (None, "too_long") for one in played),
        "too_long": sum(one.error == "too_long" for one in played),
    }


def record(one: Played, model: str) -> dict[str, Any]:
    """A row of metrics/evaluate/played.parquet."""
    return {
        "journey": one.journey.number, "request": one.request, "model": model,
        "query": str(one.before[-1]["content"]), "steps": len(one.wanted),
        "wanted": _json([one for step in one.wanted for one in step]), "made": _json(one.made),
        "given": json.dumps([outcome.result for outcome in one.given], ensure_ascii=False),
        "is_right": one.is_right, "is_exact": one.is_exact, "error": one.error,
    }  # fmt: skip


def _json(calls: Sequence[Call]) -> str:
    return json.dumps([[one.name, one.arguments] for one in calls], ensure_ascii=False)
