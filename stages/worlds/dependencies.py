"""What feeds what in a pack's worlds: a graph of its functions.

An edge of the kind `data` leads from a function that gives a thing to one that takes it, an edge of
the kind `state` from a function that makes a condition hold to the one that has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import networkx as nx

from stages.core.worlds import World


def graph(worlds: Mapping[str, World]) -> nx.MultiDiGraph:
    """Functions as nodes, with their `world`; edges with `kind`, `entity`, `column`, `argument`,
    of the kind `state` with the condition's error as `condition`.
    """
    made = nx.MultiDiGraph()
    for world in worlds.values():
        for function in world.functions.values():
            made.add_node(function.name, world=world.name, effect=function.effect)
        for source in world.functions.values():
            for target in world.functions.values():
                if source.name == target.name:
                    continue
                for column, given in source.gives.items():
                    for argument, taken in target.takes.items():
                        if given == taken:
                            made.add_edge(
                                source.name, target.name, kind="data", entity=given, column=column,
                                argument=argument, condition="",
                            )  # fmt: skip
        for target in world.functions.values():
            for condition in target.requires:
                if condition.mended_by is not None:
                    made.add_edge(
                        condition.mended_by, target.name, kind="state", entity="", column="",
                        argument="", condition=condition.error,
                    )  # fmt: skip
    return made


def rows(made: nx.MultiDiGraph) -> list[dict[str, Any]]:
    """The edges as rows of ingested/graph/dependencies.parquet, in the order of their names."""
    found = [
        {"source": source, "target": target, "world": made.nodes[source]["world"], **edge}
        for source, target, edge in made.edges(data=True)
    ]
    return sorted(found, key=lambda row: tuple(map(str, row.values())))


def findings(worlds: Mapping[str, World]) -> list[str]:
    """What nobody can use: entities that are never known and that no function gives, functions that
    need one, and functions that wait for each other in a circle which nothing enters.
    """
    return [one for world in worlds.values() for one in _findings(world)]


def _findings(world: World) -> Iterator[str]:
    functions = world.functions
    given = {entity for one in functions.values() for entity in one.gives.values()}
    known = {name for name, entity in world.entities.items() if entity.known is not None}
    taken = {entity for one in functions.values() for entity in one.takes.values()}
    for entity in sorted(taken - given - known):
        yield (
            f"world {world.name}: no function gives {entity}, and world.yaml has no `known` for it"
        )
    for entity in sorted(set(world.entities) - taken - given):
        yield f"world {world.name}: the entity {entity} is neither taken nor given"
    reached = set(known)
    waiting = dict(functions)
    while True:
        open_now = [n for n, one in waiting.items() if set(one.takes.values()) <= reached]
        if not open_now:
            break
        for name in open_now:
            reached |= set(waiting.pop(name).gives.values())
    for name, one in waiting.items():
        lacking = sorted(set(one.takes.values()) - reached)
        if not set(lacking) <= taken - given - known:
            yield f"world {world.name}: nothing leads to {name}, which takes {', '.join(lacking)}"
