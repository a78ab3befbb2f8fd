"""Stage `route`: plan every conversation that is to be written. Calls no model.

Command: python -m stages.route
Reads:   the pack and its templates in prompts/; data/population; data/ingested
Writes:  data/routed/plans.parquet, tool_sets.parquet, strata.json (with quotas), metrics/route.json
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from stages.core import files, plan, strata
from stages.core import pack as packs
from stages.core.command import InputError, run
from stages.core.pace import listed
from stages.core.settings import Route, Settings
from stages.core.settings import load as load_settings
from stages.core.strata import SCENARIO, Stratum
from stages.core.tables import ROUTES, Plans, ToolSets

if TYPE_CHECKING:
    from stages.planning.plans import Planned
    from stages.planning.templated import Templates

POPULATION, OUT = Path("data/population/strata.json"), Path("data/routed")


def main() -> None:
    # Here, so that --help need not wait for numpy.
    from stages import formats
    from stages.core.divergence import js_bits
    from stages.planning import plans
    from stages.planning.templated import Aims, unbanded

    settings = load_settings()
    block, population = settings.route, files.read_json(POPULATION)
    pack = packs.load_ingested(settings.pack)
    formats.check(formats.FORMATS[settings.tools.format], pack.catalogue, f"pack {settings.pack}")
    all_strata = strata.from_records(population["strata"])
    templates = usable(pack, settings, all_strata)
    if templates is not None and block.recipe == "single_prompt":
        others = [stratum for stratum in all_strata if not templates.writes(stratum)]
        all_strata = unbanded([s for s in all_strata if templates.writes(s)]) + others
    start = time.perf_counter()
    planned = plans.plans(
        pack,
        plans.Settings(
            rows=block.rows,
            weights=weights(block),
            by_template=block.weights.model_dump(),
            minimum=block.min_per_cell,
            surplus=block.surplus,
            heuristic_surplus=block.heuristic_surplus,
            reserve=block.reserve,
            sets=settings.tools.sets,
            shown=(settings.tools.shown[0], settings.tools.shown[1]),
        ),
        settings.seed,
        all_strata=all_strata,
        templates=templates,
        aims=Aims(population["words"], population["places"]),
    )
    seconds = time.perf_counter() - start
    for warning in planned.warnings:
        print(f"warning: {warning}")
    records = [plan.to_record(one) for one in planned.plans]
    table = pl.DataFrame(records, schema=Plans.schema(), orient="row")
    files.write_table(OUT / "plans.parquet", table, Plans)
    sets = [
        {
            "tool_set": one.tool_set,
            "tools": json.dumps(pack.catalogue.subset(one.functions).tools, ensure_ascii=False),
            "today": one.today,
        }
        for one in planned.tool_sets
    ]
    files.write_table(OUT / "tool_sets.parquet", pl.DataFrame(sets, ToolSets.schema()), ToolSets)
    quotas = [stratum.to_record() for stratum in planned.strata]
    files.write_json(OUT / "strata.json", {"recipe": block.recipe, "strata": quotas})
    scenarios: Counter[str] = Counter()
    routes: Counter[str] = Counter()
    for stratum in planned.strata:
        scenarios[stratum[SCENARIO]] += stratum.quota
        routes.update(stratum.routes)
    shares = [stratum.share for stratum in planned.strata]
    metrics: dict[str, Any] = {
        "recipe": block.recipe,
        "plans": table.height,
        "strata": len(planned.strata),
        "strata_without_material": len(all_strata) - len(planned.strata),
        "js_bits": round(js_bits(shares, [stratum.quota for stratum in planned.strata]), 6),
        "tool_sets": len(sets),
        "functions_shown": round(
            sum(len(one.functions) for one in planned.tool_sets) / len(sets), 1
        ),
        "quota": dict(routes),
        "scenarios": dict(scenarios),
        "warnings": planned.warnings,
    }
    if templates is not None:
        counted = Counter(str(t.header.route) for t in templates.templates)
        metrics["templates"] = {route: counted[route] for route in ROUTES}
    if pack.worlds:
        metrics["worlds"] = retrace(pack, planned, seconds)
    files.write_json("metrics/route.json", metrics)
    print(f"route: {table.height} plans in {len(planned.strata)} strata, {len(sets)} tool sets, "
          f"quota: {listed(dict(routes))}")  # fmt: skip


def retrace(pack: packs.Pack, planned: Planned, seconds: float) -> dict[str, Any]:
    """The figures of the plans in worlds, and their rate to the timings. Raises InputError where a
    plan is not the same a second time, or does not reach what it aims at.
    """
    from stages.planning.retraced import retraced

    found = retraced(pack, planned.plans, planned.tool_sets)
    rate = found["requests"] / seconds
    files.write_timings("route", {"requests_per_second": round(rate, 1)})
    print(f"worlds: {found['requests']} requests in {found['plans']} conversations, {rate:.0f} a "
          f"second, {found['edges_covered']:.1%} of {found['edges']} ways taken")  # fmt: skip
    if found["plans"] and min(found["replay_equal"], found["targets_reached"]) < 1:
        raise InputError(
            f"{pack.folder}/world: of the planned conversations {found['replay_equal']:.2%} give "
            f"the same when they are done again and {found['targets_reached']:.2%} reach their "
            "target, which all must: look for what no seed decides in the SQL, such as date('now') "
            "or rows without ORDER BY"
        )
    return found


def weights(block: Route) -> dict[str, float]:
    """Weights of the routes where phrases write, by the recipe: `heuristic` has phrases alone,
    `router_heuristic` also what a model says anew, the others that alone.
    """
    by_route = block.weights
    if block.recipe == "heuristic":
        return {"heuristic": 1.0}
    if block.recipe == "router_heuristic":
        return {"heuristic": by_route.heuristic, "text": by_route.text}
    return {"text": by_route.text}


def usable(pack: packs.Pack, settings: Settings, all_strata: list[Stratum]) -> Templates | None:
    """The templates of the recipe, None for a pack without any. Raises InputError where a route
    with a weight can write nothing, and for templates that no stratum takes.
    """
    from stages.core import prompts
    from stages.planning.material import Material
    from stages.planning.templated import Templates

    block = settings.route
    loaded = [t for t in prompts.load(pack) if t.header.serves(block.recipe)]
    if not loaded:
        return None
    by_clicks = block.asset_order == "click_through_rate"
    templates = Templates(loaded, Material(pack, settings.seed, by_clicks))
    by_route = block.weights.model_dump()
    for route in ROUTES:
        if by_route[route] and (why := templates.lacking(route)):
            raise InputError(why)
    if idle := templates.idle(all_strata, by_route):
        raise InputError(
            f"prompts/{pack.name}: no stratum of this population takes {', '.join(idle)}: compare "
            "functions, values, words, locales and sources in their headers with the population, "
            "the graph and the assets, or set their weight to 0"
        )
    return templates


if __name__ == "__main__":
    run(main, __doc__)
