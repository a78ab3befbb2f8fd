"""Cells to quotas, quotas to routes, routes to templates and requests. Bulk draws, one seed."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from stages.core.apportion import apportion
from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.prompts import ASSET_SLOTS, Template
from stages.core.quantiles import probabilities
from stages.core.settings import Route
from stages.core.tables import ROUTES, Requests
from stages.planning.material import Key, Material, stream

Cell = dict[str, Any]


def eligible(cell: Cell, templates: list[Template], material: Material) -> dict[str, list[int]]:
    """Route -> numbers of the templates that fit a cell and find material there."""
    found: dict[str, list[int]] = {route: [] for route in ROUTES}
    for number, template in enumerate(templates):
        header = template.header
        if (
            header.weight > 0
            and cell["function"] in header.functions
            and cell["content_type"] in header.content_types
            and cell["locale"] in header.locales
            and header.words[0] <= cell["max_words"]
            and header.words[1] >= cell["min_words"]
            and material.serves(header, cell["function"], cell["content_type"])
        ):
            found[header.route].append(number)
    return found


def quotas(shares: list[float], rows: int, least: int) -> list[int]:
    """Rows per cell: exact apportionment with at least `least` where the share is not zero."""
    wanted = np.asarray(shares, dtype=float)
    lifted = np.where(wanted > 0, least, 0)
    if lifted.sum() > rows:
        raise InputError(f"route: {rows} rows cannot give {least} to each of {len(shares)} cells")
    above = np.maximum(wanted / wanted.sum() * rows - lifted, 0)
    rest = rows - int(lifted.sum())
    return list(lifted + (apportion(rest, above) if rest else 0))


def unbanded(cells: list[Cell]) -> list[Cell]:
    """The cells with all length bands of a function in one, for a recipe that plans no lengths."""
    merged: dict[tuple[str, str, str], Cell] = {}
    for cell in cells:
        key = (cell["function"], cell["content_type"], cell["locale"])
        have = merged.setdefault(key, {**cell, "share": 0.0})
        have["share"] += cell["share"]
        have["min_words"] = min(have["min_words"], cell["min_words"])
        have["max_words"] = max(have["max_words"], cell["max_words"])
        have["band"] = f"{have['min_words']}-{have['max_words']}"
    return list(merged.values())


def share_out(
    cells: list[Cell], templates: list[Template], material: Material, chosen: Route
) -> tuple[list[Cell], list[str]]:
    """Cells with `quota` and `routes` {route: {quota, templates}}; warnings about what has none.

    A cell that no route can serve loses its quota to the others, and a warning says so.
    """
    weights = {route: getattr(chosen.weights, route) for route in ROUTES}
    warnings, served = [], []
    for cell in cells:
        if cell["share"] <= 0:
            continue
        fits = eligible(cell, templates, material)
        routes = {route: numbers for route, numbers in fits.items() if numbers and weights[route]}
        if not routes:
            what = " x ".join(str(cell[k]) for k in ("function", "content_type", "band", "locale"))
            warnings.append(f"no template or material for {what}: its share {cell['share']:.4f} "
                            "goes to the other cells")  # fmt: skip
            continue
        served.append({**cell, "templates": routes})
    if not served:
        raise InputError("route: no cell can be served; check prompts/ and the pack's material")
    sizes = quotas([c["share"] for c in served], chosen.rows, chosen.min_per_cell)
    for cell, size in zip(served, sizes, strict=True):
        names = list(cell["templates"])
        parts = apportion(int(size), [weights[route] for route in names])
        cell["quota"] = int(size)
        cell["routes"] = {route: int(part) for route, part in zip(names, parts, strict=True)}
    return served, warnings


def lacking(route: str, templates: list[Template], material: Material, chosen: Route) -> str | None:
    """Why a route that has a weight can write nothing, and what to do; None if it can."""
    own = [t for t in templates if t.header.route == route and t.header.weight > 0]
    if not getattr(chosen.weights, route) or not own:
        return None
    needed = set.intersection(*({*t.header.requires} for t in own))
    for column in sorted(needed):
        if material.assets[column].is_null().all():
            advice = f"or set route.weights.{route} to 0"
            if column == "image_path":
                advice = f"draw some (ingest_assets.max_pictures), name files in the pack, {advice}"
            else:
                advice = f"give it in an SQL file of the pack's assets, {advice}"
            return f"route {route}: no asset has the {column} that its templates need: {advice}"
    return None


def wanted(own: int, cell: Cell, route: str, chosen: Route) -> int:
    """Accepted candidates that a route with `own` rows of a cell should deliver, with surplus."""
    spare = cell["quota"] * chosen.heuristic_surplus if route == "heuristic" else 0
    return math.ceil(own * (1 + chosen.surplus) + spare)


# Steps of the R2 sequence: 1/g and 1/g^2 for g^3 = g + 1 (Roberts 2018, The Unreasonable
# Effectiveness of Quasirandom Sequences). Every prefix of it is spread evenly.
R2 = 0.7548776662466927, 0.5698402909980532


def aims(
    cell: Cell, n: int, target: dict[str, Any], domain: Domain, rng: np.random.Generator
) -> dict[str, np.ndarray | pl.Series]:
    """`words` and `type_position` that `n` requests of a cell aim at, after the population's
    quantiles: each of shape (n,).

    Evenly spread over any first of them, since how many will be used depends on how many pass.
    `target` is target.json; a function without quantiles is spread evenly.
    """
    level = (np.outer(R2, np.arange(1, n + 1)) + rng.random((2, 1))) % 1
    low, high = cell["min_words"], cell["max_words"]
    quantiles = target.get("words", {}).get(cell["function"], {"0": low, "1": high})
    steps = probabilities(quantiles, low, high).cumsum()
    words = low + np.searchsorted(steps, level[0]).clip(0, high - low)
    if not domain.content_types[cell["content_type"]].words:
        return {"words": words, "type_position": pl.repeat(None, n, dtype=pl.Float64, eager=True)}
    wanted = target.get("type_words", {}).get("positions", {"0": 0, "1": 1})
    levels, places = np.array(sorted((float(q), float(v)) for q, v in wanted.items())).T
    return {"words": words, "type_position": np.interp(level[1], levels, places)}


COSTLIEST = ("text", "vision", "heuristic")
IDENTITY = ("function", "content_type", "band", "locale")
# What a request has from its cell.
COPIED = (*IDENTITY, "min_words", "max_words")


def planned(
    cells: list[Cell], templates: list[Template], chosen: Route, target: dict[str, Any],
    material: Material,
) -> pl.DataFrame:  # fmt: skip
    """One row a request of every cell and route, without slots, ordered by route, cell and rank;
    `kept` where it is asked for.

    A route's requests are drawn as if it had the whole cell to itself, each cell and route from
    random numbers of its own, and its share of them is kept, the first ranks. So other weights
    keep other numbers of the same requests, and the completion store has their answers.
    `turn` is how early a request draws: by its rank among those of its cell and route, 0 to 1,
    plus its route's place, so that no route's draws depend on one with cheaper answers.
    """
    parts = []
    for route, (number, cell) in product(sorted(ROUTES), enumerate(cells)):
        if route not in cell["routes"]:
            continue
        want = wanted(cell["routes"][route], cell, route, chosen)
        most = math.ceil(wanted(cell["quota"], cell, route, chosen) * chosen.reserve)
        rng = stream(material.seed, route, *(cell[name] for name in IDENTITY))
        fits = cell["templates"][route]
        weights = np.array([templates[t].header.weight for t in fits])
        rank = np.arange(most)
        parts.append(
            pl.DataFrame(
                {
                    "cell": pl.repeat(number, most, dtype=pl.Int32, eager=True),
                    "rank": rank,
                    "kept": rank < math.ceil(want * chosen.reserve),
                    "turn": COSTLIEST.index(route) + (rank + 0.5) / most,
                    "quota": pl.repeat(want, most, dtype=pl.Int64, eager=True),
                    **aims(cell, most, target, material.domain, rng),
                    "seed": rng.integers(0, 2**31 - 1, most),
                    "template": rng.choice(fits, most, p=weights / weights.sum()),
                }
            )
        )
    return pl.concat(parts)


def places(resource: np.ndarray, turn: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Which draw from its resource each request gets; shape (n,), -1 where it gets none.

    `resource` numbers what a request draws from, -1 for nothing. The kept requests of a resource
    get its first draws, each a different one: all of it is used before any is used twice. Most
    get the same whatever else is kept: their place by `turn` among all requests, kept or not.
    """
    found = np.full(resource.size, -1)
    rows = np.flatnonzero(resource >= 0)
    rows = rows[np.lexsort((turn[rows], resource[rows]))]
    bounds = np.flatnonzero(np.diff(resource[rows])) + 1
    for members in np.split(rows, bounds):
        used = kept[members]
        place = np.flatnonzero(used)
        # Those that stand behind the last draw take the draws of requests that are not kept.
        place[place >= place.size] = np.flatnonzero(~used[: place.size])
        found[members[used]] = place
    return found


def requests(
    cells: list[Cell], templates: list[Template], material: Material, chosen: Route,
    target: dict[str, Any],
) -> pl.DataFrame:  # fmt: skip
    """The table of planned requests, ranked within each cell and route."""
    whole = planned(cells, templates, chosen, target, material)
    types = list(dict.fromkeys((c["function"], c["content_type"]) for c in cells))
    of_cell = np.array([types.index((c["function"], c["content_type"])) for c in cells])
    # A number for each pair of template and type: all its requests draw from the same.
    pair = whole["template"].to_numpy() * len(types) + of_cell[whole["cell"].to_numpy()]
    used = np.bincount(pair, minlength=len(templates) * len(types)).nonzero()[0]
    turn, kept = whole["turn"].to_numpy(), whole["kept"].to_numpy()
    frame = whole.filter("kept")
    drawn = pl.DataFrame({"pair": pair[kept]}).with_row_index("at")
    walks: dict[Key, dict[str, np.ndarray]] = {}
    for source in sorted({source for t in templates for source in t.header.sources}):
        keys: dict[Key, int] = {}
        resource = np.full(len(templates) * len(types), -1)
        for number in used:
            header = templates[number // len(types)].header
            if source in header.sources:
                key = material.key(source, header, *types[number % len(types)])
                resource[number] = keys.setdefault(key, len(keys))
        place = places(resource[pair], turn, kept)[kept]
        drawn = drawn.with_columns(pl.Series(source, place))
        if source != "asset":
            sizes = np.bincount(resource[pair[kept]] + 1, minlength=len(keys) + 1)[1:]
            walks |= {
                key: material.draw_walk(key[0], key[1], int(sizes[number]))
                for key, number in keys.items()
            }

    def filled(number: int, group: pl.DataFrame) -> pl.DataFrame:
        template, kind = templates[number // len(types)], types[number % len(types)]
        return _fill(group, template, kind, material, walks)

    groups = drawn.partition_by("pair", as_dict=True, maintain_order=True)
    # Nearly all of it is polars' work, which does not hold Python's lock.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        parts = pool.map(filled, (number for (number,) in groups), groups.values())
        slots = pl.concat(parts, rechunk=True)
    order = np.empty(slots.height, np.int64)
    order[slots["at"]] = np.arange(slots.height)
    known = pl.DataFrame([{name: cell[name] for name in COPIED} for cell in cells])
    names = [(t.header.route, t.template_id) for t in templates]
    told = pl.DataFrame(names, schema=["route", "template_id"], orient="row")
    table = pl.concat(
        [frame, known[frame["cell"]], told[frame["template"]], slots[order]], how="horizontal"
    )
    named = pl.format(
        "{}-{}-{}",
        "route",
        pl.col("cell").cast(pl.String).str.zfill(4),
        pl.col("rank").cast(pl.String).str.zfill(6),
    )
    return table.with_columns(request_id=named).select(Requests.schema().names())


def _fill(
    group: pl.DataFrame, template: Template, kind: tuple[str, str], material: Material,
    walks: dict[Key, dict[str, np.ndarray]],
) -> pl.DataFrame:  # fmt: skip
    """`at`, slots, asset_id, node_ids and image_path of all requests of one template and `kind`, a
    function and content type. group: at, and for each source which draw from it.
    """
    n, slots, visited = group.height, {}, []
    asset_id = image = pl.repeat(None, n, dtype=pl.String, eager=True)
    for source in template.header.sources:
        place = group[source].to_numpy()
        if source == "asset":
            pool = material.pool(template.header, *kind)
            assert pool is not None
            rows = material.assets[pool[place % pool.size]]
            slots.update({name: rows[name].alias(name) for name in ASSET_SLOTS})
            asset_id, image = rows["asset_id"], rows["image_path"]
        else:
            walked = walks[material.key(source, template.header, *kind)]
            for slot, nodes in walked.items():
                slots[slot] = material.nodes["label"].gather(nodes[place]).alias(slot)
                visited.append(nodes[place])
    if visited:
        ids = material.nodes["node_id"].gather(np.stack(visited, axis=1).ravel())
        path = ids.reshape((n, len(visited))).arr.to_list()
    else:
        path = pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, n)
    text = pl.DataFrame(list(slots.values())).select(pl.struct(pl.all()).struct.json_encode())
    return group.select("at").with_columns(
        slots=text.to_series() if slots else pl.lit("{}"),
        asset_id=asset_id,
        node_ids=path,
        image_path=image if "image_path" in template.header.requires else pl.lit(None, pl.String),
    )
