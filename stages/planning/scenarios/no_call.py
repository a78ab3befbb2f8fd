"""`no_call`: chit-chat, or a request that no function of the pack serves."""

from __future__ import annotations

from stages.core.pack import Pack
from stages.core.plan import Turn
from stages.planning.scenarios.draws import Draws
from stages.planning.scenarios.traits import Traits

TRAITS = Traits(has_function=False, shows_target=False, chats=True)


def serves(pack: Pack, function: str) -> bool:
    """It is about no function."""
    return False


def said_share(pack: Pack, function: str, slot: str) -> float:
    """Nothing is said of any argument."""
    return 0.0


def turns(draws: Draws) -> tuple[tuple[Turn, ...], str | None]:
    """One turn that refuses, and the request."""
    text = draws.chatter[next(draws.stream("chatter", len(draws.chatter)))]
    return (Turn("refuse"),), text
