"""The initial states of a pack's worlds that plans begin in."""

from __future__ import annotations

import datetime

from stages.core.pack import Pack
from stages.core.worlds import World
from stages.planning.sources import seed_of
from stages.worlds.state import State

# Initial states of each world and day.
STATES = 200


class States:
    """The initial states of a pack's worlds, made on first use; one is open at a time."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.words = {
            locale: {
                name: [str(entry.value) for entry in entries]
                for name, entries in pack.vocabulary(locale).lists.items()
            }
            for locale in pack.locales
        }
        self._snapshots: dict[tuple[str, int, datetime.date], bytes] = {}
        self._open: dict[tuple[str, datetime.date], State] = {}

    def at(self, world: World, seed: int, today: datetime.date) -> State:
        """A world in its state of this seed. The state given before is no longer that."""
        key = (world.name, seed, today)
        if key not in self._snapshots:
            state = State.open(world, seed, today, self.words[self.pack.locales[0]])
            self._snapshots[key] = state.snapshot()
            state.close()
        place = (world.name, today)
        if place not in self._open:
            for state in self._open.values():
                state.close()
            self._open = {place: State.restored(world, self._snapshots[key], today)}
        else:
            self._open[place].restore(self._snapshots[key])
        return self._open[place]


def state_seed(tool_set: str) -> int:
    """The number of the initial state in which the plans of a tool set begin."""
    return seed_of(0, "state", tool_set) % STATES
