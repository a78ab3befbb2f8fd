"""Conversations that go on: a model answers, its calls are done, it sees what they give, and so on,
many conversations side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from stages.evaluation.asking import Asking, Conversation


class Episode(Protocol):
    """One conversation and what its calls are done in."""

    @property
    def conversation(self) -> Conversation | None:
        """What the model is asked to go on with; None when it is over."""

    def answered(self, text: str) -> None:
        """Go on after this answer of the model."""

    def too_long(self) -> None:
        """End, for there is no room for an answer."""


def play(
    episodes: Sequence[Episode],
    ask: Asking,
    lengths: Callable[[Sequence[Conversation]], list[int]],
    room: int,
) -> float:
    """Ask on until all episodes are over, all that are open at once. lengths: tokens of each of
    some conversations; room: tokens that one may have before its answer. Returns the seconds that
    the answers took.
    """
    seconds = 0.0
    while True:
        waiting = [(one, said) for one in episodes if (said := one.conversation) is not None]
        if not waiting:
            return seconds
        sizes = lengths([said for _, said in waiting])
        for (episode, _), size in zip(waiting, sizes, strict=True):
            if size > room:
                episode.too_long()
        waiting = [pair for pair, size in zip(waiting, sizes, strict=True) if size <= room]
        if not waiting:
            continue
        answers = ask([said for _, said in waiting])
        seconds += answers.seconds
        for (episode, _), text in zip(waiting, answers.completions, strict=True):
            episode.answered(text)
