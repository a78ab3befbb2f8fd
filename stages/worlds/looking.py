"""What is wrong with a world's SQL, before anything is planned: a few states are opened, and each
statement is prepared, not done.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from stages.core.command import InputError
from stages.core.worlds import World, WorldFunction
from stages.worlds.state import READING, READS, WRITES, WRITING, Bound, State

SEEDS = (0, 1, 2)


def problems(
    worlds: Mapping[str, World], words: Mapping[str, Sequence[str]], today: datetime.date
) -> list[str]:
    """What is wrong, a line each."""
    return [one for world in worlds.values() for one in _problems(world, words, today)]


def _problems(
    world: World, words: Mapping[str, Sequence[str]], today: datetime.date
) -> Iterator[str]:
    digests = set()
    for seed in SEEDS:
        try:
            state = State.open(world, seed, today, words)
        except InputError as error:
            yield str(error)
            return
        digests.add(state.digest())
        if seed == SEEDS[0]:
            for name, entity in world.entities.items():
                if entity.known is not None:
                    yield from _known(state, name, entity.known)
            for function in world.functions.values():
                yield from _prepared(state, function)
        state.close()
    if len(digests) == 1:
        yield (
            f"world {world.name}, seed.sql: {len(SEEDS)} seeds give the same state: let draw(), "
            "pick() or word() decide something"
        )


def _known(state: State, name: str, query: str) -> Iterator[str]:
    where = f"world {state.world.name}, world.yaml: entities.{name}.known"
    try:
        rows = state.rows(query)
    except InputError as error:
        yield f"{where}: {error}"
        return
    if not rows or len(rows[0]) != 1:
        yield f"{where}: must give one column and at least one row, in each state"


def _prepared(state: State, function: WorldFunction) -> Iterator[str]:
    is_write = function.effect == "write"
    mode, allowed = (WRITES, WRITING) if is_write else (READS, READING)
    texts = [(f"{READS}SELECT ({one.holds})", READING) for one in function.requires]
    texts += [(mode + one, allowed) for one in function.statements]
    for text, may in texts:
        try:
            with state.limited(may):
                state.connection.execute(f"EXPLAIN {text}", Bound({})).close()
        except sqlite3.Error as error:
            said = " ".join(text.removeprefix(READS).removeprefix(WRITES).split())
            yield f"world {state.world.name}, {function.name}.sql: {error!s:.200} in: {said:.80}"
