"""`clarified`: the user does not say a required argument, the model asks for it, the user answers
with its value, and the model makes the call.
"""

from __future__ import annotations

from dataclasses import replace

from stages.core.pack import Pack
from stages.core.plan import Turn
from stages.planning.scenarios import missing_argument
from stages.planning.scenarios.draws import Draws, is_phrased
from stages.planning.scenarios.draws import said_share as said_share
from stages.planning.scenarios.traits import Traits

TRAITS = Traits(has_bands=False, asks=True, has_turns=True)


def serves(pack: Pack, function: str) -> bool:
    """Where phrases write it and a required argument is said by the user."""
    return is_phrased(pack, function) and missing_argument.serves(pack, function)


def turns(draws: Draws) -> tuple[tuple[Turn, ...], str | None]:
    """A turn that asks for what is missing, and one with the whole call."""
    assert draws.calls is not None
    missing = missing_argument.drawn(draws)
    call = draws.calls.draw(draws.today, draws.choices, later=missing)
    before = tuple(one for one in call.arguments if one.name != missing)
    return (Turn("ask", (replace(call, arguments=before),), missing), Turn("call", (call,))), None
