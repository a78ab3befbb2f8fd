"""Stage `route`: plan every query that is to be written. Calls no model.

Command: python -m stages.route
Reads:   data/population/target.json, data/ingested/graph, data/ingested/assets, prompts/
Writes:  data/routed/requests.parquet, data/routed/targets.json (cells with their quotas),
         metrics/route.json
"""

from __future__ import annotations

from pathlib import Path

from stages.core import domain, files, pack, prompts, settings
from stages.core.command import InputError, run
from stages.core.pace import listed
from stages.core.tables import ROUTES, Assets, Edges, Nodes, Requests

INGESTED = Path("data/ingested")
OUT = Path("data/routed")


def main() -> None:
    # Here, so that --help need not wait for numpy.

    from stages.core.divergence import js_bits
    from stages.planning import plan
    from stages.planning.material import Material
    from stages.spine import route as spine

    chosen = settings.load()
    if pack.is_pack(chosen.pack):
        return spine.main(chosen)
    known = domain.load(chosen.pack)
    templates = [t for t in prompts.load(known) if t.header.serves(chosen.route.recipe)]
    target = files.read_json("data/population/target.json")
    material = Material(
        known,
        files.read_table(INGESTED / "graph/nodes.parquet", Nodes),
        files.read_table(INGESTED / "graph/edges.parquet", Edges),
        files.read_table(INGESTED / "assets/assets.parquet", Assets),
        chosen.seed,
        by_clicks=chosen.route.asset_order == "click_through_rate",
    )
    cells = target["cells"]
    if chosen.route.recipe == "single_prompt":
        cells = plan.unbanded(cells)
    served, warnings = plan.share_out(cells, templates, material, chosen.route)
    for route in ROUTES:
        if lacking := plan.lacking(route, templates, material, chosen.route):
            raise InputError(lacking)
    used = {number for cell in served for fits in cell["templates"].values() for number in fits}
    idle = [
        template.template_id
        for number, template in enumerate(templates)
        if number not in used
        and template.header.weight
        and getattr(chosen.route.weights, template.header.route)
    ]
    if idle:
        raise InputError(
            f"prompts: no cell of this population takes {', '.join(idle)}: compare functions, "
            "content_types, words, locales and sources in their headers with the population, the "
            "graph and the assets, or set their weight to 0"
        )
    for warning in warnings:
        print(f"warning: {warning}")
    table = plan.requests(served, templates, material, chosen.route, target)
    files.write_table(OUT / "requests.parquet", table, Requests)
    kept = ("function", "content_type", "band", "locale", "share", "quota", "routes")
    targets = {
        "recipe": chosen.route.recipe,
        "rows": chosen.route.rows,
        "weights": chosen.route.weights.model_dump(),
        "cells": [{name: cell[name] for name in kept} for cell in served],
    }
    files.write_json(OUT / "targets.json", targets)
    quota = {r: sum(c["routes"].get(r, 0) for c in served) for r in ROUTES}
    metrics = {
        "recipe": chosen.route.recipe,
        "requests": table.height,
        "cells": len(served),
        "cells_without_material": len(warnings),
        "redistributed": warnings,
        "js_bits": round(js_bits([c["share"] for c in served], [c["quota"] for c in served]), 6),
        "quota": quota,
        "templates": {
            route: sum(t.header.route == route for t in templates) for route in ROUTES
        },
    }  # fmt: skip
    files.write_json("metrics/route.json", metrics)
    print(f"route: {table.height} requests in {len(served)} cells, quota: {listed(quota)}")


if __name__ == "__main__":
    run(main, __doc__)
