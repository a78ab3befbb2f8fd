"""`parallel`: the user asks for several calls of one function at once."""

from __future__ import annotations

import random
from dataclasses import replace

from stages.core import catalogue
from stages.core.conversation import equal
from stages.core.pack import Pack
from stages.core.plan import Argument, PlannedCall, Turn
from stages.planning import periods
from stages.planning.calls import Calls
from stages.planning.scenarios.draws import Draws, is_phrased, number_of_calls
from stages.planning.scenarios.draws import said_share as said_share
from stages.planning.scenarios.traits import Traits

TRAITS = Traits(has_bands=False)
# How often the calls share what they say but for one argument, or two: "... in Rome and in Oslo".
VARIED_SHARE = 0.5
# Draws until a call differs from the others.
TRIES = 20


def serves(pack: Pack, function: str) -> bool:
    """Where phrases write it, and a user says something that can differ."""
    return is_phrased(pack, function) and any(s.is_said for s in pack.sources[function])


def turns(draws: Draws) -> tuple[tuple[Turn, ...], str | None]:
    """One turn with two to four different calls; fewer where the values do not suffice."""
    calls, choices = draws.calls, draws.choices
    assert calls is not None
    made = [calls.draw(draws.today, choices)]
    slots = _varied(made[0], calls, choices) if choices.random() < VARIED_SHARE else frozenset()
    count = number_of_calls(choices)
    for tried in range(TRIES):
        if len(made) == count:
            break
        drawn = calls.draw(draws.today, choices)
        # What is rarely said might not be drawn again.
        call = _with(made[0], drawn, slots) if slots and tried < TRIES // 2 else drawn
        if call is None or catalogue.problems(call.call, draws.pack.catalogue):
            continue
        if not any(equal(call.call.arguments, one.call.arguments) for one in made):
            made.append(call)
    return (Turn("call", tuple(made)),), None


def _varied(call: PlannedCall, calls: Calls, choices: random.Random) -> frozenset[str]:
    """The slots of one or two arguments that are to differ, none where values hang together."""
    sources = [calls.pack.by_key[f"{call.function}.{one.slot}"] for one in call.said]
    if any(source.agrees_with is not None or source.slot in calls.rows for source in sources):
        return frozenset()
    ends = {one.slot for pair in periods.pairs(sources) for one in pair}
    free = [one.slot for one in call.said if one.slot not in ends and not calls.fixed.get(one.slot)]
    if not free:
        return frozenset()
    return frozenset(choices.sample(free, min(len(free), choices.choice((1, 1, 2)))))


def _with(call: PlannedCall, other: PlannedCall, slots: frozenset[str]) -> PlannedCall | None:
    """A call with another's values in these slots, None where the other says none of them."""
    values = {one.slot: one for one in other.said}
    if not slots <= values.keys():
        return None

    def chosen(one: Argument) -> Argument:
        return values[one.slot] if one.slot in slots else one

    return replace(call, arguments=tuple(map(chosen, call.arguments)))
