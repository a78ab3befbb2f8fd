"""What a conversation is about: one file per scenario, each with the same names.

HAS_FUNCTION    whether it is about a function of the catalogue, which the stratum names
SHOWS_TARGET    whether the tool set shows that function
MIN_SHOWN       functions that the tool set shows at least
HAS_BANDS       whether the population's length bands hold, which are of queries with one call
serves(pack, function) -> bool                   whether it can be planned for a function
said_share(pack, function, slot) -> float        share of its plans in which a slot is said
turns(draws) -> tuple of Turn, text or None      the next plan's turns, and chit-chat's request
"""

from __future__ import annotations

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
