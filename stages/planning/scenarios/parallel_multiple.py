"""`parallel_multiple`: the user asks for calls of several functions at once."""

from __future__ import annotations

from stages.core.pack import Pack
from stages.core.plan import Turn
from stages.planning.scenarios.draws import Draws, is_phrased, number_of_calls
from stages.planning.scenarios.draws import said_share as said_share
from stages.planning.scenarios.traits import Traits

TRAITS = Traits(min_shown=2, has_bands=False)


def serves(pack: Pack, function: str) -> bool:
    """Where phrases write it and another function."""
    others = (name for name in pack.catalogue.names if name != function)
    return is_phrased(pack, function) and any(is_phrased(pack, name) for name in others)


def turns(draws: Draws) -> tuple[tuple[Turn, ...], str | None]:
    """One turn with a call of the stratum's function and of one to three others that the tool set
    shows, in any order.
    """
    assert draws.calls is not None
    function = draws.calls.function
    others = [name for name in draws.shown if name != function and is_phrased(draws.pack, name)]
    count = min(number_of_calls(draws.choices) - 1, len(others))
    made = [draws.calls, *map(draws.of, draws.choices.sample(others, count))]
    draws.choices.shuffle(made)
    return (Turn("call", tuple(one.draw(draws.today, draws.choices) for one in made)),), None
