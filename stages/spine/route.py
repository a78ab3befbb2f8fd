"""Stage `route`: plan every conversation that is to be written. Calls no model.

Reads:   PACK/{catalogue.json,pack.yaml,population.yaml,vocabularies}; data/population;
         data/ingested where an argument's source is `asset` or `graph`
Writes:  data/routed/plans.parquet, tool_sets.parquet, strata.json (with quotas), metrics/route.json
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import polars as pl

from stages import formats
from stages.core import files, pack, plan
from stages.core.settings import Route, Settings
from stages.core.strata import SCENARIO
from stages.core.tables import Plans, ToolSets
from stages.planning import plans

OUT = Path("data/routed")


def main(chosen: Settings) -> None:
    known = pack.load_ingested(chosen.pack)
    formats.check(formats.FORMATS[chosen.tools.format], known.catalogue, f"pack {chosen.pack}")
    block = chosen.route
    planned = plans.plans(
        known,
        plans.Settings(
            rows=block.rows,
            weights=weights(block),
            minimum=block.min_per_cell,
            surplus=block.surplus,
            heuristic_surplus=block.heuristic_surplus,
            reserve=block.reserve,
            sets=chosen.tools.sets,
            shown=(chosen.tools.shown[0], chosen.tools.shown[1]),
        ),
        chosen.seed,
    )
    for warning in planned.warnings:
        print(f"warning: {warning}")
    records = [plan.to_record(one) for one in planned.plans]
    table = pl.DataFrame(records, schema=Plans.schema(), orient="row")
    files.write_table(OUT / "plans.parquet", table, Plans)
    sets = [
        {
            "tool_set": one.tool_set,
            "tools": json.dumps(known.catalogue.subset(one.functions).tools, ensure_ascii=False),
            "today": one.today,
        }
        for one in planned.tool_sets
    ]
    files.write_table(OUT / "tool_sets.parquet", pl.DataFrame(sets, ToolSets.schema()), ToolSets)
    files.write_json(OUT / "strata.json", [stratum.to_record() for stratum in planned.strata])
    scenarios: Counter[str] = Counter()
    for stratum in planned.strata:
        scenarios[stratum[SCENARIO]] += stratum.quota
    metrics = {
        "plans": table.height,
        "strata": len(planned.strata),
        "tool_sets": len(sets),
        "functions_shown": round(
            sum(len(one.functions) for one in planned.tool_sets) / len(sets), 1
        ),
        "quota": dict(scenarios),
        "warnings": planned.warnings,
    }
    files.write_json("metrics/route.json", metrics)
    print(f"route: {table.height} plans in {len(planned.strata)} strata, {len(sets)} tool sets")


def weights(block: Route) -> dict[str, float]:
    """Weights of the routes by the recipe: `heuristic` writes phrases alone, `router_heuristic`
    also what a model says anew, the others that alone. The vision route has nothing to see.
    """
    given = block.weights
    if block.recipe == "heuristic":
        return {"heuristic": 1.0}
    if block.recipe == "router_heuristic":
        return {"heuristic": given.heuristic, "text": given.text}
    return {"text": given.text}
