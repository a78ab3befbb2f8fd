"""What a conversation is about: one file per scenario, each with the same names.

TRAITS                                           what it is like (`Traits`)
serves(pack, function) -> bool                   whether it can be planned for a function
said_share(pack, function, slot) -> float        share of its plans in which a slot is said
turns(draws) -> tuple of Turn, text or None      the next plan's turns, and chit-chat's request
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from stages.planning.scenarios import (
    clarified,
    failed,
    missing_argument,
    missing_function,
    multi_turn,
    no_call,
    parallel,
    parallel_multiple,
    single,
    trajectory,
)
from stages.planning.scenarios.traits import Traits

SCENARIOS: dict[str, ModuleType] = {
    "single": single,
    "no_call": no_call,
    "missing_argument": missing_argument,
    "missing_function": missing_function,
    "parallel": parallel,
    "parallel_multiple": parallel_multiple,
    "clarified": clarified,
    "failed": failed,
    "multi_turn": multi_turn,
    "trajectory": trajectory,
}


def traits(name: str) -> Traits:
    """What a scenario is like."""
    made: Traits = SCENARIOS[name].TRAITS
    return made


def asks(shares: Mapping[str, float]) -> bool:
    """Whether the model asks for an argument in a scenario that has a share."""
    return any(share and traits(name).asks for name, share in shares.items())
