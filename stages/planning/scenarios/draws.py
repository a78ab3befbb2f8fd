"""What a scenario draws from, and what several of them need."""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, field

from stages.core.pack import Pack
from stages.planning.calls import Calls
from stages.planning.sources import Stream, seed_of


@dataclass
class Draws:
    """One stratum and route's draws. calls: None for a scenario without a function; chatter: the
    requests that no function serves. `choices` and `today` are the plan's, set before each.
    """

    pack: Pack
    seed: int
    calls: Calls | None
    chatter: tuple[str, ...] = ()
    choices: random.Random = field(default_factory=random.Random)
    today: datetime.date = datetime.date(2026, 6, 1)
    _streams: dict[str, Stream] = field(default_factory=dict)

    def stream(self, name: str, size: int) -> Stream:
        """An endless order of `size` things, of its own name."""
        if name not in self._streams:
            self._streams[name] = Stream(size, seed_of(self.seed, "scenario", name))
        return self._streams[name]


def said_share(pack: Pack, function: str, slot: str) -> float:
    """The share of a function's calls in which a slot is said, after the pack's shares."""
    source = pack.by_key.get(f"{function}.{slot}")
    share = 1.0
    while source is not None:
        if not source.required:
            share *= source.share
        source = pack.by_key.get(".".join((function, *source.path[:-1])))
    return share
