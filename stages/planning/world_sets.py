"""Tool sets of packs with worlds: the functions of one world, and some of others."""

from __future__ import annotations

import random
from collections.abc import Sequence

from stages.core.pack import Pack
from stages.planning.sources import Stream, seed_of

# Share of a set's functions that are of its own world, where that has so many.
OWN_SHARE = 0.8


def world_sets(pack: Pack, seed: int, count: int, shown: tuple[int, int]) -> list[list[str]]:
    """The functions of each set, in random order. Each function of a world is in about as many sets
    of its world as any other; functions held out are in none.

    count: sets, at least one of each world; shown: functions of a set, from and to.
    """
    draw = random.Random(seed_of(seed, "world sets"))
    own = {
        name: [one for one in world.functions if one not in pack.held_out]
        for name, world in pack.worlds.items()
    }
    own = {name: functions for name, functions in own.items() if functions}
    rest = pack.trained.names
    orders = {
        name: Stream(len(held), seed_of(seed, "world sets", name)) for name, held in own.items()
    }
    groups = []
    names = list(own)
    for number in range(max(count, len(names))):
        name = names[number % len(names)]
        size = draw.randint(min(shown), max(shown))
        inside = min(len(own[name]), max(2, round(size * OWN_SHARE)))
        group = _taken(own[name], orders[name], inside)
        others = [one for one in rest if one not in own[name]]
        group += draw.sample(others, min(len(others), size - len(group)))
        groups.append(draw.sample(group, len(group)))
    return groups


def _taken(functions: Sequence[str], order: Stream, count: int) -> list[str]:
    """The next `count` different functions."""
    taken: dict[str, None] = {}
    while len(taken) < count:
        taken[functions[next(order)]] = None
    return list(taken)
