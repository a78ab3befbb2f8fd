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

from stages.core.catalogue import Catalogue
from stages.core.conversation import Call, Message, assistant, equal, results, user
from stages.core.journeys import Journey
from stages.core.worlds import World
from stages.evaluation import significance
from stages.evaluation.episodes import OVER, TOO_LONG, Episode, Turn
from stages.formats import Format
from stages.worlds.execution import Outcome, call
from stages.worlds.state import State

# Messages with calls that a model may make beyond those that are right, before it is stopped.
MORE_STEPS = 4
# Numbers of steps that are told apart; the last stands for all above.
STEPS = (1, 2, 3, 4)

Words = Mapping[str, Sequence[str]]


@dataclass
class Place:
    """Where the calls of a request are done: an `episodes.Environment`. before, now: the world as
    it was, and as the calls have made it, as snapshots, for hundreds of requests are played side by
    side; made, given: the calls, and what they gave.
    """

    journey: Journey
    world: World
    before: bytes
    made: list[Call] = field(default_factory=list)
    given: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = self.before

    def call(self, one: Call) -> str:
        """Do a call; what it gives, as JSON."""
        state = self.opened(self.now)
        outcome = call(state, one.name, one.arguments)
        self.now = state.snapshot()
        state.close()
        self.made.append(one)
        self.given.append(outcome)
        return json.dumps(outcome.result, ensure_ascii=False)

    def opened(self, snapshot: bytes) -> State:
        """The world of a snapshot."""
        return State.restored(self.world, snapshot, self.journey.today)


@dataclass
class Played:
    """A request, and how a model deals with it. number: within its journey, from 0; query: what the
    user says; wanted: the right calls by message.
    """

    journey: Journey
    number: int
    query: str
    wanted: tuple[tuple[Call, ...], ...]
    place: Place
    episode: Episode

    @property
    def error(self) -> str | None:
        """Why the last answer could not be read, a code of `formats.parsed`; how it ended, where it
        did not by an answer; None if nothing was wrong.
        """
        if self.episode.ended != OVER:
            return self.episode.ended
        last = self.episode.steps[-1][-1] if self.episode.steps[-1] else None
        return last.parsed.error if last is not None else None

    @cached_property
    def _right(self) -> tuple[str, list[Outcome]]:
        """The digest that the right calls lead to, and what they give."""
        state = self.place.opened(self.place.before)
        given = [call(state, one.name, one.arguments) for step in self.wanted for one in step]
        digest = state.digest()
        state.close()
        return digest, given

    @cached_property
    def is_right(self) -> bool:
        """Whether the world is as the right calls leave it, and the model has seen what they give;
        where no call is right, whether it made none.
        """
        if not self.wanted or not self.place.made:
            return not self.wanted and not self.place.made and self.error is None
        digest, given = self._right
        seen = [one.result for one in self.place.given]
        state = self.place.opened(self.place.now)
        now = state.digest()
        state.close()
        return now == digest and all(
            one.is_error or any(equal(one.result, result) for result in seen) for one in given
        )

    @property
    def is_exact(self) -> bool:
        """Whether it made just the right calls, in their order."""
        wanted, made = [one for step in self.wanted for one in step], self.place.made
        return len(wanted) == len(made) and all(
            a.name == b.name and equal(a.arguments, b.arguments)
            for a, b in zip(wanted, made, strict=True)
        )

    @property
    def recovers(self) -> bool:
        """Whether an error stands on the right way."""
        return any(one.is_error for one in self._right[1])


def requests(
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
            said.append(user(request.query))
            place = Place(journey, world, state.snapshot())
            episode = Episode(
                form, [Turn([*said], shown)], place, len(request.steps) + MORE_STEPS,
                journey.today.isoformat(),
            )  # fmt: skip
            made.append(Played(journey, number, request.query, request.steps, place, episode))
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
    ends = [one.error for one in played]
    return {
        **value,
        "requests": len(played),
        "requests_by_steps": {str(n): int((steps == n).sum()) for n in (0, *STEPS)},
        "unreadable": sum(one.error is not None and one.episode.ended == OVER for one in played),
        "too_long": ends.count(TOO_LONG),
    }


def record(one: Played, model: str) -> dict[str, Any]:
    """A row of metrics/evaluate/played.parquet."""
    return {
        "journey": one.journey.number, "request": one.number, "model": model, "query": one.query,
        "steps": len(one.wanted), "wanted": _json([c for step in one.wanted for c in step]),
        "made": _json(one.place.made),
        "given": json.dumps([o.result for o in one.place.given], ensure_ascii=False),
        "is_right": one.is_right, "is_exact": one.is_exact, "error": one.error,
    }  # fmt: skip


def _json(calls: Sequence[Call]) -> str:
    return json.dumps([[one.name, one.arguments] for one in calls], ensure_ascii=False)
