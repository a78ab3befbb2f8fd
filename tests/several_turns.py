"""Conversations of several turns of the pack travel, planned and written."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from stages.core import pack as packs
from stages.core import plan as core_plan
from stages.core.pack import Pack
from stages.core.plan import Plan
from stages.planning.plans import Planned, Settings, plans
from stages.planning.scenarios import SCENARIOS, traits
from stages.spine.writing import Candidate, heuristic
from tests.builders import TRAVEL

# The scenarios of several turns that need no world.
SEVERAL_TURNS = tuple(
    name for name in SCENARIOS if traits(name).has_turns and not traits(name).has_world
)
SETTINGS = Settings(240, reserve=1.0, heuristic_surplus=0.0)


class Conversation(NamedTuple):
    """A plan, what was written for it, and its messages."""

    plan: Plan
    candidate: Candidate
    messages: list[dict[str, Any]]
    today: str | None


@cache
def travel(scenario: str) -> Pack:
    """The pack with nothing but this scenario and `single`."""
    pack = packs.load(TRAVEL)
    shares = {scenario: 0.5, "single": 0.5}
    population = pack.population.model_copy(update={"scenarios": shares, "dimensions": {}})
    return replace(pack, population=population)


@cache
def planned(scenario: str) -> Planned:
    return plans(travel(scenario), SETTINGS, 7)


@cache
def conversations(scenario: str) -> tuple[Conversation, ...]:
    """The scenario's conversations, those that a check refuses too."""
    made = planned(scenario)
    days = {one.tool_set: one.today for one in made.tool_sets}
    own = [plan for plan in made.plans if plan.scenario == scenario]
    rows = [{**core_plan.to_record(plan), "today": days[plan.tool_set]} for plan in own]
    replies = heuristic(rows, str(TRAVEL), 0.0)
    return tuple(
        Conversation(
            plan, reply.candidates[0], json.loads(reply.candidates[0].messages), row["today"]
        )
        for plan, reply, row in zip(own, replies, rows, strict=True)
    )
