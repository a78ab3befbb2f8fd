"""Tool sets of packs with worlds: functions of one world that work together, and some of others."""

from __future__ import annotations

import random
from collections.abc import Iterator

import networkx as nx

from stages.core.pack import Pack
from stages.planning.sources import Stream, seed_of
from stages.worlds import dependencies

# Share of a set's functions that are of its own world, where others fill the rest.
OWN_SHARE = 0.8


def world_sets(pack: Pack, seed: int, count: int, shown: tuple[int, int]) -> list[list[str]]:
    """The functions of each set, in random order: one function after another of a world, each with
    those that give what it takes or make its conditions hold, and these with theirs. Functions held
    out are in none.

    count: sets, more where else a function of a world would be in none; shown: functions of a set,
    from and to.
    """
    draw = random.Random(seed_of(seed, "world sets"))
    trained = pack.trained.names
    graph = dependencies.graph(pack.worlds).subgraph(trained)
    own = {
        name: [one for one in world.functions if one in graph]
        for name, world in pack.worlds.items()
    }
    own = {name: functions for name, functions in own.items() if functions}
    orders = {n: Stream(len(held), seed_of(seed, "world sets", n)) for n, held in own.items()}
    groups: list[list[str]] = []
    lacking = {name: set(functions) for name, functions in own.items()}
    while len(groups) < count or any(lacking.values()):
        rest_of = [name for name in own if len(groups) < count or lacking[name]]
        name = rest_of[len(groups) % len(rest_of)]
        size = draw.randint(min(shown), max(shown))
        others = [one for one in trained if one not in own[name]]
        inside = max(2, round(size * OWN_SHARE) if others else size)
        inside = min(inside, len(own[name]))
        group: dict[str, None] = {}
        while len(group) < inside:
            for one in _closure(graph, own[name][next(orders[name])], draw):
                if len(group) < inside:
                    group[one] = None
        rest = draw.sample(others, min(len(others), size - len(group)))
        lacking[name] -= group.keys()
        groups.append(draw.sample([*group, *rest], len(group) + len(rest)))
    return groups


def _closure(graph: nx.MultiDiGraph, function: str, draw: random.Random) -> Iterator[str]:
    """A function and all that leads to it, the nearest first."""
    seen, layer = {function}, [function]
    while layer:
        yield from layer
        before = sorted({one for name in layer for one in graph.predecessors(name)} - seen)
        seen |= {*before}
        layer = draw.sample(before, len(before))
