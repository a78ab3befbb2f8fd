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
# Those that stay open, an eighth of a megabyte each; of the others there are copies.
OPEN = 64


class States:
    """The initial states of a pack's worlds, made on first use."""

    def __init__(self, pack: Pack) -> None:
        self.words = pack.world_words
        self._snapshots: dict[tuple[str, int, datetime.date], bytes] = {}
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
            if key not in self._snapshots:
                fresh = State.open(world, seed, today, self.words)
                self._snapshots[key] = fresh.snapshot()
                fresh.close()
            self._open[key] = State.restored(world, self._snapshots[key], today)
            if len(self._open) > OPEN:
                self._open.popitem(last=False)[1].close()
        return self._open[key]


def state_seed(tool_set: str) -> int:
    """The number of the initial state in which the plans of a tool set begin."""
    return seed_of(0, "state", tool_set) % STATES
