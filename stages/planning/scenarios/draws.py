"""What a scenario draws from, and what several of them need."""

from __future__ import annotations

import datetime
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from stages.core.pack import Pack
from stages.planning.calls import Calls
from stages.planning.sources import TODAY, Stream, seed_of
from stages.planning.states import States

# Shares of two, three and four calls at once.
CALLS = {2: 0.55, 3: 0.3, 4: 0.15}


@dataclass
class Draws:
    """One stratum and route's draws. calls: None for a scenario without a function; of: the calls
    of another function; chatter: the requests that no function serves. `choices`, `today` and
    `shown`, the functions that can be planned of the tool set, are the plan's, set before each, and
    `tool_set`, its name. states: of the pack's worlds, None where it has none; edges: how often
    each way through a world was taken.
    """

    pack: Pack
    seed: int
    calls: Calls | None
    of: Callable[[str], Calls]
    chatter: tuple[str, ...] = ()
    locale: str = ""
    choices: random.Random = field(default_factory=random.Random)
    today: datetime.date = TODAY
    shown: tuple[str, ...] = ()
    tool_set: str = ""
    states: States | None = None
    edges: Counter[tuple[str, ...]] = field(default_factory=Counter)
    _streams: dict[str, Stream] = field(default_factory=dict)
    _others: dict[str, Draws] = field(default_factory=dict)

    def stream(self, name: str, size: int) -> Stream:
        """An endless order of `size` things, of its own name."""
        if name not in self._streams:
            self._streams[name] = Stream(size, seed_of(self.seed, "scenario", name))
        return self._streams[name]

    def beside(self, function: str) -> Draws:
        """The draws of another function in the same plan."""
        if function not in self._others:
            seed = seed_of(self.seed, "beside", function)
            self._others[function] = Draws(
                self.pack, seed, self.of(function), self.of, self.chatter
            )
        other = self._others[function]
        other.choices, other.today, other.shown = self.choices, self.today, self.shown
        return other


def said_share(pack: Pack, function: str, slot: str) -> float:
    """The share of a function's calls in which a slot is said, after the pack's shares."""
    source = pack.by_key.get(f"{function}.{slot}")
    share = 1.0
    while source is not None:
        if not source.required:
            share *= source.share
        source = pack.by_key.get(".".join((function, *source.path[:-1])))
    return share


def is_phrased(pack: Pack, function: str) -> bool:
    """Whether phrases write a function: not where an argument is read from the query."""
    leaves = (leaf for source in pack.sources[function] for leaf in source.leaves())
    return all(leaf.kind not in ("class", "derived") for leaf in leaves)


def number_of_calls(choices: random.Random) -> int:
    """How many calls a user asks for at once, two at least."""
    return choices.choices(list(CALLS), list(CALLS.values()))[0]
