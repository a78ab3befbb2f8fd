"""`single`: the user asks for one call, with all that it needs."""

from __future__ import annotations

from stages.core.pack import Pack
from stages.core.plan import Turn
from stages.planning.scenarios.draws import Draws
from stages.planning.scenarios.draws import said_share as said_share
from stages.planning.scenarios.traits import Traits

TRAITS = Traits()


def serves(pack: Pack, function: str) -> bool:
    """Every function that can be planned at all."""
    return True


def turns(draws: Draws) -> tuple[tuple[Turn, ...], str | None]:
    """One turn with one call."""
    assert draws.calls is not None
    return (Turn("call", (draws.calls.draw(draws.today, draws.choices),)),), None
