"""`failed`: the user asks for one call, the model makes it, the call gives back an error, and the
model says that it did not work and why.
"""

from __future__ import annotations

from stages.core.pack import Pack
from stages.core.plan import Turn
from stages.planning.errors import failure
from stages.planning.scenarios.draws import Draws, is_phrased
from stages.planning.scenarios.draws import said_share as said_share
from stages.planning.scenarios.traits import Traits

TRAITS = Traits(has_bands=False, has_turns=True)


def serves(pack: Pack, function: str) -> bool:
    """Where phrases write it."""
    return is_phrased(pack, function)


def turns(draws: Draws) -> tuple[tuple[Turn, ...], str | None]:
    """A turn with one call, and one that says why it failed."""
    assert draws.calls is not None
    call = draws.calls.draw(draws.today, draws.choices)
    failed = failure(call, draws.pack, draws.choices)
    called = Turn("call", (call,), results=(failed.result,))
    return (called, Turn("answer", missing=failed.argument, failing=failed.failing)), None
