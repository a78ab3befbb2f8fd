"""The proof of planned conversations in worlds: each is done again in a fresh world."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stages.core.conversation import equal
from stages.core.pack import Pack
from stages.core.plan import CALLING, UNASKED, Plan, PlannedCall, ToolSet, Turn
from stages.core.worlds import ROW, World
from stages.planning.sources import TODAY
from stages.planning.states import States, state_seed
from stages.worlds import dependencies
from stages.worlds.execution import ERROR, call

# A way from a function to another: data edges with column and argument, state edges with neither.
Edge = tuple[str, str, str, str]
Done = tuple[PlannedCall, Mapping[str, Any]]


def retraced(pack: Pack, plans: Sequence[Plan], sets: Sequence[ToolSet]) -> dict[str, Any]:
    """Figures of the plans in worlds, each done again: plans and requests; targets_reached, the
    share whose first request ends with the stratum's function, done without an error;
    replay_equal, the share with equal results and states; edges_covered, of the ways between
    functions that may be shown the share that some plan takes.
    """
    states, days = States(pack), {one.tool_set: one.today for one in sets}
    placed = [one for one in plans if any(turn.state is not None for turn in one.turns)]
    placed.sort(key=lambda one: one.tool_set)
    requests = equals = reached = 0
    taken: set[Edge] = set()
    for plan in placed:
        world = pack.world_of[plan.turns[0].calls[0].function]
        day = days[plan.tool_set]
        today = datetime.date.fromisoformat(day) if day else TODAY
        equals += _is_equal(plan, world, states, today)
        by_request = list(_requests(plan))
        requests += len(by_request)
        last, result = by_request[0][-1]
        reached += last.function == plan.stratum["function"] and ERROR not in result
        done: list[Done] = []
        for request in by_request:
            taken |= set(_edges(request, done, world))
            done += request
    possible = _possible(pack)
    count = max(len(placed), 1)
    return {
        "plans": len(placed),
        "requests": requests,
        "targets_reached": round(reached / count, 6),
        "replay_equal": round(equals / count, 6),
        "edges": len(possible),
        "edges_covered": round(len(taken & possible) / max(len(possible), 1), 4),
        "edges_missing": sorted(" ".join(filter(None, edge)) for edge in possible - taken)[:50],
    }


def _is_equal(plan: Plan, world: World, states: States, today: datetime.date) -> bool:
    state = states.at(world, state_seed(plan.tool_set), today)
    for turn in plan.turns:
        for one, result in _done(turn):
            if call(state, one.function, one.call.arguments).result != result:
                return False
        if turn.state is not None and state.digest() != turn.state:
            return False
    return True


def _done(turn: Turn) -> list[Done]:
    """The calls of a turn that were done, with their results."""
    return [*zip(turn.calls, turn.results, strict=True)] if turn.act in CALLING else []


def _requests(plan: Plan) -> Iterator[list[Done]]:
    """The calls of each request with their results."""
    current: list[Done] = []
    for turn in plan.turns:
        if turn.act not in UNASKED and current:
            yield current
            current = []
        current += _done(turn)
    if current:
        yield current


def _edges(request: Sequence[Done], before: Sequence[Done], world: World) -> Iterator[Edge]:
    """The ways that a request takes."""
    done = list(before)
    for one, result in request:
        function = world.functions[one.function]
        for argument in one.arguments:
            entity = function.takes.get(argument.name)
            if argument.provenance != "result" or entity is None:
                continue
            for maker, given in reversed(done):
                columns = world.functions[maker.function].gives
                found = [
                    column
                    for column, kind in columns.items()
                    if kind == entity and _gives(world, maker.function, given, column, argument)
                ]
                if found:
                    yield maker.function, found[0], one.function, argument.name
                    break
        menders = {condition.mended_by for condition in function.requires}
        for maker, _ in done[len(before) :]:
            if maker.function in menders and ERROR not in result:
                yield maker.function, "", one.function, ""
        done.append((one, result))


def _gives(world: World, name: str, result: Mapping[str, Any], column: str, argument: Any) -> bool:
    returns = world.functions[name].returns
    rows = [result] if returns == ROW else result.get(returns, [])
    return any(equal(row.get(column), argument.value) for row in rows)


def _possible(pack: Pack) -> set[Edge]:
    """The ways between functions that are not held out."""
    graph = dependencies.graph(pack.worlds).subgraph(pack.trained.names)
    return {
        (source, edge["column"], target, edge["argument"])
        for source, target, edge in graph.edges(data=True)
    }
