"""What a scenario is like, for those who plan, check and count it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Traits:
    """has_function: it is about a function of the catalogue, which the stratum names; shows_target:
    the tool set shows that function; min_shown: functions that the tool set shows at least;
    has_bands: the population's length bands hold, which are of queries with one call; asks: the
    model asks for a required argument; chats: it takes requests that no function serves; has_turns:
    it has several turns, which phrases alone write; has_world: its calls are done while they are
    planned, so that functions which need a thing of a world can have it.
    """

    has_function: bool = True
    shows_target: bool = True
    min_shown: int = 1
    has_bands: bool = True
    asks: bool = False
    chats: bool = False
    has_turns: bool = False
    has_world: bool = False
