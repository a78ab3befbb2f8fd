"""`missing_function`: the user asks for a call of a function that the tool set does not show."""

from __future__ import annotations

from stages.core.pack import Pack
from stages.core.plan import Turn
from stages.planning.scenarios.draws import Draws
from stages.planning.scenarios.draws import said_share as said_share
from stages.planning.scenarios.traits import Traits

TRAITS = Traits(shows_target=False)


def serves(pack: Pack, function: str) -> bool:
    """Where another function is left to be shown."""
    return len(pack.catalogue.functions) > 1


def turns(draws: Draws) -> tuple[tuple[Turn, ...], str | None]:
    """One turn that refuses; it holds the call which is not to be made."""
    assert draws.calls is not None
    return (Turn("refuse", (draws.calls.draw(draws.today, draws.choices),)),), None
