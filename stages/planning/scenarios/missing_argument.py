"""`missing_argument`: the user does not say a required argument, and the model asks for it."""

from __future__ import annotations

from stages.core.pack import Pack
from stages.core.plan import Turn
from stages.planning.scenarios import draws as common
from stages.planning.scenarios.draws import Draws
from stages.planning.scenarios.traits import Traits

TRAITS = Traits(asks=True)


def candidates(pack: Pack, function: str) -> list[str]:
    """The required arguments that users say: any of them can be missing."""
    return [s.slot for s in pack.sources[function] if s.required and s.is_said]


def serves(pack: Pack, function: str) -> bool:
    """Where a required argument is said by the user."""
    return bool(candidates(pack, function))


def said_share(pack: Pack, function: str, slot: str) -> float:
    """As in a whole call, unless it is the only argument that can be missing."""
    if candidates(pack, function) == [slot.split(".")[0]]:
        return 0.0
    return common.said_share(pack, function, slot)


def turns(draws: Draws) -> tuple[tuple[Turn, ...], str | None]:
    """One turn that asks; which argument is missing takes turns, of those whose absence some phrase
    can say, if there are such.
    """
    assert draws.calls is not None
    missing = drawn(draws)
    call = draws.calls.draw(draws.today, draws.choices, without=missing)
    return (Turn("ask", (call,), missing),), None


def drawn(draws: Draws) -> str:
    """The argument that is missing next."""
    calls = draws.calls
    assert calls is not None
    fixed = {slot.split(".")[0] for slot, value in calls.fixed.items() if value}
    free = [slot for slot in candidates(draws.pack, calls.function) if slot not in fixed]
    free = free or candidates(draws.pack, calls.function)
    sayable = [slot for slot in free if calls.presence.can_leave_out(slot)] or free
    return sayable[next(draws.stream("missing", len(sayable)))]
