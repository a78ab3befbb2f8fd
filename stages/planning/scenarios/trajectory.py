"""`trajectory`: one to three requests in a world, whose calls are executed while they are planned;
a request may need several calls, each of which goes on from what the one before gave back.
"""

from __future__ import annotations

from stages.core.pack import Pack
from stages.core.plan import Turn
from stages.planning.calls import Unbound
from stages.planning.scenarios.draws import Draws
from stages.planning.scenarios.draws import said_share as said_share
from stages.planning.scenarios.traits import Traits
from stages.planning.states import state_seed
from stages.planning.trajectories import Journey

TRAITS = Traits(min_shown=2, has_bands=False, asks=True, has_turns=True, has_world=True)
# Shares of one, two and three requests; how often a further one goes on with a thing that the
# conversation has had.
REQUESTS = {1: 0.5, 2: 0.3, 3: 0.2}
GOES_ON = 0.6


def serves(pack: Pack, function: str) -> bool:
    """Where a world has it."""
    return function in pack.world_of


def turns(draws: Draws) -> tuple[tuple[Turn, ...], str | None]:
    """The requests' turns, the first of which aims at the stratum's function."""
    assert draws.calls is not None and draws.states is not None
    function, choices = draws.calls.function, draws.choices
    world = draws.pack.world_of[function]
    state = draws.states.at(world, state_seed(draws.tool_set), draws.today)
    journey = Journey(draws, world, state, draws.edges)
    made = journey.turns(function)
    if made is None:
        raise Unbound(function)
    count = choices.choices(list(REQUESTS), list(REQUESTS.values()))[0]
    for _ in range(count - 1):
        had = {thing.entity for thing in journey.things}
        others = [name for name in journey.shown if name not in draws.pack.held_out]
        near = [n for n in others if had & set(world.functions[n].takes.values())]
        made += (
            journey.turns(choices.choice(near if near and choices.random() < GOES_ON else others))
            or ()
        )
    return made, None
