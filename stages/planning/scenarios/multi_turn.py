"""`multi_turn`: two or three requests after one another in one conversation, each a scenario of its
own: a call, a call of which an argument must be asked for, a request that no function serves.

A call that is not the last gives back a success, and the model confirms it in one sentence before
the user goes on. Without that sentence the user would follow the result, which templates that want
user and assistant in turn refuse (Gemma, Mistral), as does ShareGPT; and a model that never saw a
success would answer one by the call again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stages.core.pack import Pack
from stages.core.plan import Turn
from stages.planning.scenarios import clarified, single
from stages.planning.scenarios.draws import Draws, is_phrased
from stages.planning.scenarios.draws import said_share as said_share
from stages.planning.scenarios.traits import Traits

TRAITS = Traits(min_shown=2, has_bands=False, asks=True, chats=True, has_turns=True)
# Shares of two and three requests; how often one beside the stratum's is chit-chat, and how often
# an argument must be asked for.
REQUESTS = {2: 0.6, 3: 0.4}
REFUSED, ASKED = 0.25, 0.25
# What a call gives back that succeeds.
SUCCESSES = ({"status": "success"}, {"success": True}, {"ok": True}, {"status": "ok"})


def serves(pack: Pack, function: str) -> bool:
    """Where phrases write it and another function."""
    others = (name for name in pack.catalogue.names if name != function)
    return is_phrased(pack, function) and any(is_phrased(pack, name) for name in others)


def turns(draws: Draws) -> tuple[tuple[Turn, ...], str | None]:
    """The turns of a request for the stratum's function and of others, in any order."""
    assert draws.calls is not None
    choices, function = draws.choices, draws.calls.function
    count = choices.choices(list(REQUESTS), list(REQUESTS.values()))[0]
    others = [name for name in draws.shown if name != function and is_phrased(draws.pack, name)]
    others = choices.sample(others, min(count - 1, len(others)))
    requests = [_request(draws), *(_beside(draws, name) for name in others)]
    choices.shuffle(requests)
    made = [turn for request in requests[:-1] for turn in _finished(request, draws)]
    return (*made, *requests[-1]), None


def _beside(draws: Draws, function: str) -> Sequence[Turn]:
    """A request beside the stratum's: of another function, or one that none serves."""
    if draws.chatter and draws.choices.random() < REFUSED:
        text = draws.chatter[next(draws.stream("chatter", len(draws.chatter)))]
        return [Turn("refuse", text=text)]
    return _request(draws.beside(function))


def _request(draws: Draws) -> Sequence[Turn]:
    """A call, or a question and the call."""
    assert draws.calls is not None
    can_ask = clarified.serves(draws.pack, draws.calls.function)
    is_asked = draws.choices.random() < ASKED
    return (clarified if can_ask and is_asked else single).turns(draws)[0]


def _finished(request: Sequence[Turn], draws: Draws) -> Sequence[Turn]:
    """A request that others follow: its call gives something back, which is confirmed."""
    *before, last = request
    if last.act != "call":
        return request
    results = tuple(draws.choices.choice(SUCCESSES) for _ in last.calls)
    return [*before, replace(last, results=results), Turn("answer")]
