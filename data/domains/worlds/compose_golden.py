"""Writes journeys.jsonl and golden.jsonl: conversations in the worlds that pack.yaml holds out.

    python -m data.domains.worlds.compose_golden [JOURNEYS]

They are planned, done, said and checked as the dataset's are, in worlds whose functions, phrases
and words no row of it has. golden.jsonl has each answer of the model as a row, with the right
course before it; journeys.jsonl the same conversations to be played.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from stages.checks import call as checks
from stages.core import files
from stages.core import pack as packs
from stages.core.conversation import calls_of
from stages.core.pack import Pack
from stages.core.plan import CALLING, UNASKED, Plan, user_turns
from stages.generation import dialogue
from stages.generation.patterns import Patterns
from stages.planning.plans import Planned, Settings, plans
from stages.planning.sources import TODAY
from stages.planning.states import state_seed
from stages.spine.said import messages

HERE = Path(__file__).parent
JOURNEYS, SEED = 300, 20_261_128
# Conversations of which golden.jsonl has each answer.
WITH_ROWS = 160
SCENARIOS = {"trajectory": 0.9, "no_call": 0.1}
SHOWN = (8, 20)


def planned(pack: Pack, journeys: int) -> Planned:
    """Plans of the worlds that are held out, and of no other."""
    others = frozenset(pack.catalogue.names) - pack.held_out
    population = pack.population.model_copy(update={"scenarios": SCENARIOS, "functions": {}})
    unseen = replace(pack, held_out=others, population=population)
    settings = Settings(
        journeys * 2, surplus=0.0, heuristic_surplus=0.0, reserve=1.0, sets=60, shown=SHOWN,
        today=TODAY,
    )  # fmt: skip
    return plans(unseen, settings, SEED)


def journey(pack: Pack, plan: Plan, queries: list[str], tools: tuple[str, ...]) -> dict[str, Any]:
    """A line of journeys.jsonl."""
    said = messages(queries, plan, pack.catalogue)
    requests: list[dict[str, Any]] = []
    for message in said:
        if message["role"] == "user":
            requests.append({"query": message["content"], "steps": [], "answer": ""})
        elif message.get("tool_calls"):
            calls = [{"name": c.name, "arguments": c.arguments} for c in calls_of(message)]
            requests[-1]["steps"].append(calls)
        elif message["role"] == "assistant":
            requests[-1]["answer"] = message["content"]
    functions = [call.function for turn in plan.turns for call in turn.calls]
    world = next(pack.world_of[name] for name in (*functions, *tools) if name in pack.world_of)
    return {
        "world": world.name, "seed": state_seed(plan.tool_set), "today": TODAY.isoformat(),
        "tools": list(tools), "requests": requests,
    }  # fmt: skip


def rows(pack: Pack, plan: Plan, queries: list[str], tools: tuple[str, ...]) -> Iterator[Any]:
    """The rows of golden.jsonl of one conversation."""
    said = messages(queries, plan, pack.catalogue)
    turns = iter(turn for turn in plan.turns if turn.act in CALLING or turn.act not in UNASKED)
    for number, message in enumerate(said):
        is_answer = number > 0 and said[number - 1]["role"] == "tool"
        if message["role"] != "assistant" or (is_answer and not message.get("tool_calls")):
            continue
        turn = next(turns)
        row: dict[str, Any] = {"messages": said[:number], "tools": list(tools)}
        if turn.act == "refuse":
            yield {**row, "act": "refuse"}
            continue
        if turn.act == "ask":
            yield {**row, "act": "ask", "missing": turn.missing}
            continue
        expected = [
            {"name": call.name, "arguments": {k: [v] for k, v in call.arguments.items()}}
            for call in calls_of(message)
        ]
        yield {**row, "expected": expected}


def composed(pack: Pack, count: int) -> Iterator[tuple[Plan, list[str], tuple[str, ...]]]:
    """The conversations whose words carry their calls, each first message once."""
    made = planned(pack, count)
    shown = {one.tool_set: one.functions for one in made.tool_sets}
    writer, seen = Patterns(pack), set[str]()
    random.Random(SEED).shuffle(made.plans)
    for plan in made.plans:
        said = dialogue.write(plan, writer)
        context = checks.Context(pack, plan.locale, TODAY)
        pairs = zip(said, user_turns(plan), strict=True)
        if said[0].query in seen or any(
            checks.verdict(own.query, turn.plan, replace(context, surfaces=own.surfaces))
            for own, turn in pairs
        ):
            continue
        seen.add(said[0].query)
        yield plan, [one.query for one in said], shown[plan.tool_set]
        if len(seen) == count:
            return


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else JOURNEYS
    pack = packs.load(HERE)
    made = list(composed(pack, count))
    lines = {
        "journeys.jsonl": [journey(pack, *one) for one in made],
        "golden.jsonl": [row for one in made[:WITH_ROWS] for row in rows(pack, *one)],
    }
    for name, written in lines.items():
        with files.replacing(HERE / name) as path, path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in written)
        print(f"{name}: {len(written)} lines")


if __name__ == "__main__":
    main()
