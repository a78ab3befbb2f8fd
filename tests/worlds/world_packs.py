"""The world of the pack lending, and copies of it with other SQL."""

from __future__ import annotations

import datetime
from dataclasses import replace
from functools import cache
from pathlib import Path

from stages.core import pack as packs
from stages.core.pack import Pack
from stages.core.worlds import Condition, World, WorldFunction
from stages.worlds.state import LIMITS, Limits, State

LENDING = Path(__file__).parents[1] / "packs" / "lending"
TODAY = datetime.date(2026, 6, 1)


@cache
def lending() -> Pack:
    return packs.load(LENDING)


def words() -> dict[str, list[str]]:
    return lending().world_words


def opened(seed: int = 0, world: World | None = None, limits: Limits = LIMITS) -> State:
    return State.open(world or lending().worlds["lending"], seed, TODAY, words(), limits)


def with_function(
    *statements: str, effect: str = "read", requires: tuple[Condition, ...] = (),
    returns: str = "row",
) -> World:  # fmt: skip
    """The world with one more function, `more`, of an argument `card`."""
    world = lending().worlds["lending"]
    more = WorldFunction("more", effect, {}, {}, returns, requires, statements, ("card",))
    return replace(world, functions={**world.functions, "more": more})
