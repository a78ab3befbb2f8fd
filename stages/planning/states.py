"""The initial states of a pack's worlds that plans begin in."""

from __future__ import annotations

import datetime
from collections import OrderedDict

from stages.core.pack import Pack
from stages.core.worlds import World
from stages.planning.sources import seed_of
from stages.worlds.state import State

# Initial states of each world and day.
STATES = 200
# Those that stay open, half a megabyte each.
OPEN = 128


class States:
    """The initial states of a pack's worlds, made on first use."""

    def __init__(self, pack: Pack) -> None:
        self.words = pack.world_words
        self._open: OrderedDict[tuple[str, int, datetime.date], State] = OrderedDict()

    def at(self, world: World, seed: int, today: datetime.date) -> State:
        """A world in its initial state of this seed. One that was given for the same before is no
        longer what it was.
        """
        key = (world.name, seed, today)
        if key in self._open:
            self._open[key].reset()
            self._open.move_to_end(key)
        else:
            self._open[key] = State.open(world, seed, today, self.words)
            if len(self._open) > OPEN:
                self._open.popitem(last=False)[1].close()
        return self._open[key]


def state_seed(tool_set: str) -> int:
    """The number of the initial state in which the plans of a tool set begin."""
    return seed_of(0, "state", tool_set) % STATES
