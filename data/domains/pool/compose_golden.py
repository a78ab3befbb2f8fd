"""Writes golden.jsonl: conversations of the functions that pack.yaml holds out.

    python -m data.domains.pool.compose_golden [ROWS]

They are planned, said and checked as the dataset's are, for functions, phrases and words that no
row of it has; one day, that of all golden sets. Who wrote the other functions' phrases wrote these.
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
from stages.core.pack import Pack
from stages.core.plan import Plan
from stages.generation.patterns import Patterns
from stages.planning.plans import Planned, Settings, plans
from stages.planning.sources import TODAY

HERE = Path(__file__).parent
ROWS, SEED = 500, 20_261_127
SCENARIOS = {
    "single": 0.5, "parallel": 0.14, "parallel_multiple": 0.14, "missing_argument": 0.06,
    "missing_function": 0.1, "no_call": 0.06,
}  # fmt: skip
# Rows planned for each that is taken, for a scenario is rare for each of the functions.
PLANNED = 10
# Functions shown, from and to.
SHOWN = (1, 6)


def planned(pack: Pack, rows: int) -> Planned:
    """Plans of the functions that are held out, and of no other."""
    population = pack.population.model_copy(update={"scenarios": SCENARIOS, "functions": {}})
    unseen = replace(pack, held_out=frozenset(pack.trained), population=population)
    settings = Settings(
        rows, surplus=0.0, heuristic_surplus=0.0, reserve=1.0, sets=rows // PLANNED, shown=SHOWN,
        today=TODAY,
    )  # fmt: skip
    return plans(unseen, settings, SEED)


def line(query: str, plan: Plan, tools: tuple[str, ...]) -> dict[str, Any]:
    """A row in the long form."""
    row: dict[str, Any] = {"messages": [{"role": "user", "content": query}], "tools": list(tools)}
    if plan.turn.act == "refuse":
        return {**row, "act": "refuse"}
    expected = [
        {"name": call.function, "arguments": {k: [v] for k, v in call.call.arguments.items()}}
        for call in plan.calls
    ]
    asked = {"act": "ask", "missing": plan.turn.missing} if plan.turn.act == "ask" else {}
    return {**row, **asked, "expected": expected}


def lines(pack: Pack, rows: int) -> Iterator[dict[str, Any]]:
    """The rows whose words carry their calls, each query once."""
    made = planned(pack, rows * PLANNED)
    shown = {one.tool_set: one.functions for one in made.tool_sets}
    writer, seen = Patterns(pack), set[str]()
    random.Random(SEED).shuffle(made.plans)
    for plan in made.plans:
        written = writer.write(plan)
        context = checks.Context(pack, plan.locale, TODAY, surfaces=written.surfaces)
        if written.query in seen or checks.verdict(written.query, plan, context):
            continue
        seen.add(written.query)
        yield line(written.query, plan, shown[plan.tool_set])
        if len(seen) == rows:
            return


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    pack = packs.load(HERE)
    with files.replacing(HERE / "golden.jsonl") as path, path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in lines(pack, rows))


if __name__ == "__main__":
    main()
