"""Cells to quotas, quotas to routes, routes to templates and requests. Bulk draws, one seed."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
import polars as pl

from stages.contracts.apportion import apportion
from stages.contracts.command import InputError
from stages.contracts.domain import Domain
from stages.contracts.prompts import ASSET_SLOTS, Template
from stages.contracts.quantiles import probabilities
from stages.contracts.settings import Route
from stages.contracts.tables import ROUTES, Requests
from stages.routing.material import Material

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
    if not sum(weights.values()):
        raise InputError("route.weights: all are zero; give at least one route a weight")
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


def wanted(cell: Cell, route: str, chosen: Route) -> int:
    """Accepted candidates that a route should deliver for a cell, surplus included."""
    own = cell["routes"][route]
    if route == "heuristic":
        return math.ceil(own * (1 + chosen.surplus) + cell["quota"] * chosen.heuristic_surplus)
    return math.ceil(own * (1 + chosen.surplus))


# Steps of the R2 sequence: 1/g and 1/g^2 for g^3 = g + 1 (Roberts 2018, The Unreasonable
# Effectiveness of Quasirandom Sequences). Every prefix of it is spread evenly.
R2 = 0.7548776662466927, 0.5698402909980532


def aims(
    drawn: dict[str, np.ndarray], cells: list[Cell], target: dict[str, Any], domain: Domain,
    rng: np.random.Generator,
) -> dict[str, np.ndarray | pl.Series]:  # fmt: skip
    """`words` and `type_position` that each request aims at, after the population's quantiles.

    Evenly spread over any first requests of a cell and route, since how many will be used depends
    on how many pass. `target` is target.json; a function without quantiles is spread evenly.
    """
    shift = rng.random((2, len(cells)))[:, drawn["cell"]]
    level = (np.outer(R2, drawn["rank"] + 1) + shift) % 1
    words = np.empty(drawn["cell"].size, dtype=np.int64)
    for number, cell in enumerate(cells):
        low, high = cell["min_words"], cell["max_words"]
        quantiles = target.get("words", {}).get(cell["function"], {"0": low, "1": high})
        steps = probabilities(quantiles, low, high).cumsum()
        here = drawn["cell"] == number
        words[here] = low + np.searchsorted(steps, level[0, here]).clip(0, high - low)
    wanted = target.get("type_words", {}).get("positions", {"0": 0, "1": 1})
    levels, places = np.array(sorted((float(q), float(v)) for q, v in wanted.items())).T
    named = np.array([bool(domain.content_types[c["content_type"]].words) for c in cells])
    place = pl.Series(np.interp(level[1], levels, places))
    return {"words": words, "type_position": place.zip_with(
        pl.Series(named[drawn["cell"]]), pl.Series([None], dtype=pl.Float64))}  # fmt: skip


def requests(
    cells: list[Cell], templates: list[Template], material: Material, chosen: Route,
    target: dict[str, Any],
) -> pl.DataFrame:  # fmt: skip
    """The table of planned requests, ranked within each cell and route."""
    rng = material.rng
    # Per group of equal template and cell: which requests (cell number, rank) belong to it.
    columns: dict[str, list[np.ndarray]] = defaultdict(list)
    for number, cell in enumerate(cells):
        for route in cell["routes"]:
            want = wanted(cell, route, chosen)
            n = math.ceil(want * chosen.reserve)
            fits = cell["templates"][route]
            weights = np.array([templates[t].header.weight for t in fits])
            columns["template"].append(rng.choice(fits, n, p=weights / weights.sum()))
            columns["cell"].append(np.full(n, number))
            columns["rank"].append(np.arange(n))
            columns["quota"].append(np.full(n, want))
    drawn = {name: np.concatenate(parts) for name, parts in columns.items()}
    frame = pl.DataFrame(drawn | aims(drawn, cells, target, material.domain, rng)).with_columns(
        seed=rng.integers(0, 2**31 - 1, drawn["cell"].size)
    )
    types = pl.Series([f"{c['function']}|{c['content_type']}" for c in cells])
    groups = frame.with_columns(type=types.gather(frame["cell"])).partition_by(
        "template", "type", as_dict=True, maintain_order=True
    )
    table = pl.concat(
        _fill(group, templates[int(key[0])], cells, material) for key, group in groups.items()
    )
    known = pl.DataFrame(
        [
            {
                "cell": i,
                **{k: c[k] for k in ("function", "content_type", "band", "locale",
                                     "min_words", "max_words")},
            }
            for i, c in enumerate(cells)
        ]
    )  # fmt: skip
    named = pl.format(
        "{}-{}-{}",
        "route",
        pl.col("cell").cast(pl.String).str.zfill(4),
        pl.col("rank").cast(pl.String).str.zfill(6),
    )
    return (
        table.join(known, on="cell", how="left")
        .sort("route", "cell", "rank")
        .with_columns(request_id=named)
        .select(list(Requests.to_schema().columns))
    )


def _fill(
    group: pl.DataFrame, template: Template, cells: list[Cell], material: Material
) -> pl.DataFrame:
    """Draw the slots of all requests of one template and function x content type."""
    cell = cells[group["cell"][0]]
    function, content_type = cell["function"], cell["content_type"]
    n, slots, visited = group.height, {}, []
    asset_id = image = pl.repeat(None, n, dtype=pl.String, eager=True)
    for source in template.header.sources:
        if source == "asset":
            pool = material.pool(template.header, function, content_type)
            assert pool is not None
            rows = material.assets[pool.draw(n)]
            slots.update({name: rows[name].alias(name) for name in ASSET_SLOTS})
            asset_id, image = rows["asset_id"], rows["image_path"]
        else:
            for slot, numbers in material.draw_walk(source, content_type, n).items():
                slots[slot] = material.nodes["label"].gather(numbers).alias(slot)
                visited.append(material.nodes["node_id"].gather(numbers).alias(slot))
    if visited:
        walked = pl.DataFrame(visited).select(pl.concat_list(pl.all())).to_series()
    else:
        walked = pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, n)
    text = pl.DataFrame(list(slots.values())).select(pl.struct(pl.all()).struct.json_encode())
    return group.select("cell", "rank", "quota", "words", "type_position", "seed").with_columns(
        route=pl.lit(template.header.route),
        template_id=pl.lit(template.template_id),
        slots=text.to_series() if slots else pl.lit("{}"),
        asset_id=asset_id,
        node_ids=walked,
        image_path=image if "image_path" in template.header.requires else pl.lit(None, pl.String),
    )
