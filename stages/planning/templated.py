"""Plans by templates: which writes each plan, and what its slots are filled with. Bulk draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.core.prompts import ASSET
from stages.core.quantiles import Quantiles, probabilities
from stages.core.strata import BAND, FUNCTION, LOCALE, SCENARIO, Stratum, band
from stages.core.tables import ROUTES
from stages.core.templates import IMAGE, Template
from stages.planning.material import Key, Material, stream

# Steps of the R2 sequence: 1/g and 1/g^2 for g^3 = g + 1 (Roberts 2018, The Unreasonable
# Effectiveness of Quasirandom Sequences). Every prefix of it is spread evenly.
R2 = 0.7548776662466927, 0.5698402909980532
# Which route draws first, so that none depends on one with cheaper answers.
COSTLIEST = ("text", "vision", "heuristic")
SINGLE = "single"


@dataclass(frozen=True)
class Filling:
    """What a plan gets from its template. words, place: as in `core.plan.Plan`."""

    template_id: str
    slots: Mapping[str, Any]
    asset_ids: tuple[str, ...]
    node_ids: tuple[str, ...]
    image_path: str | None
    words: int
    place: float | None
    seed: int


@dataclass(frozen=True)
class Aims:
    """What a population says of lengths and places: function -> word counts at quantiles; places of
    the word for the class at quantiles, 0 to 1.
    """

    words: Mapping[str, Quantiles] = field(default_factory=dict)
    places: Quantiles = field(default_factory=lambda: {0.0: 0.0, 1.0: 1.0})


@dataclass(frozen=True)
class Request:
    """What is asked of a stratum and a route: `count` of `limit` plans that it could have."""

    stratum: Stratum
    route: str
    count: int
    limit: int


@dataclass(frozen=True)
class Templates:
    """A recipe's templates, and what they are filled from."""

    templates: Sequence[Template]
    material: Material

    @property
    def functions(self) -> frozenset[str]:
        """The functions that templates write."""
        return frozenset(name for t in self.templates for name in t.header.functions)

    def writes(self, stratum: Stratum) -> bool:
        """Whether a stratum is for templates to write; phrases write all others."""
        return stratum[SCENARIO] == SINGLE and stratum[FUNCTION] in self.functions

    def eligible(self, stratum: Stratum) -> dict[str, list[int]]:
        """Route -> numbers of the templates that fit a stratum and find material there."""
        by_route: dict[str, list[int]] = {route: [] for route in ROUTES}
        for number, template in enumerate(self.templates):
            header = template.header
            if (
                header.weight > 0
                and stratum[FUNCTION] in header.functions
                and stratum[LOCALE] in header.locales
                and all(stratum[name] in values for name, values in header.values.items())
                and (not stratum.max_words or header.words[0] <= stratum.max_words)
                and header.words[1] >= stratum.min_words
                and self.material.serves(header, stratum)
            ):
                by_route[header.route].append(number)
        return {route: numbers for route, numbers in by_route.items() if numbers}

    def idle(self, strata: Sequence[Stratum], weights: Mapping[str, float]) -> list[str]:
        """The templates that have a weight, and no stratum that takes them."""
        used = {
            n for s in strata if self.writes(s) for own in self.eligible(s).values() for n in own
        }
        return [
            template.template_id
            for number, template in enumerate(self.templates)
            if number not in used and template.header.weight and weights.get(template.header.route)
        ]

    def lacking(self, route: str) -> str | None:
        """Why a route can write nothing, and what to do; None if it can."""
        own = [t for t in self.templates if t.header.route == route and t.header.weight > 0]
        if not own:
            return None
        needed = set.intersection(*({*t.header.requires} for t in own))
        for column in sorted(needed):
            if all(item.get(column) is None for item in self.material.items):
                advice = f"or set route.weights.{route} to 0"
                if column == IMAGE:
                    advice = (
                        "draw some (ingest_assets.max_pictures), name files in the pack, " + advice
                    )
                else:
                    advice = f"give it in an SQL file of the pack's assets, {advice}"
                return f"route {route}: no asset has the {column} that its templates need: {advice}"
        return None

    def fillings(self, requests: Sequence[Request], aims: Aims) -> list[Iterator[Filling]]:
        """What the first `count` plans of each request have from their templates.

        A route's plans are drawn as if it had the whole stratum to itself, each stratum and route
        from random numbers of its own, and its share of them is selected, the first ranks. So other
        weights select other numbers of the same plans, and the completion store has their answers.
        """
        parts = [self._drawn(number, request, aims) for number, request in enumerate(requests)]
        whole = pl.concat(parts)
        # A number for each template and stratum whose draws come from the same material.
        pair = whole["template"].to_numpy() * len(requests) + whole["request"].to_numpy()
        pairs, which = np.unique(pair, return_inverse=True)
        selected = whole["selected"].to_numpy()
        frame = whole.filter("selected")
        columns: dict[str, Any] = {}
        for source in sorted({s for t in self.templates for s in t.header.sources}):
            keys: dict[Key, int] = {}
            numbers = [
                self._resource(
                    source, int(one) // len(requests), requests[one % len(requests)], keys
                )
                for one in pairs
            ]
            resource = np.array(numbers)[which]
            draws = draw_numbers(resource, whole["turn"].to_numpy(), selected)[selected]
            columns[source] = (list(keys), resource[selected], draws)
        walks: dict[Key, dict[str, NDArray[np.int64]]] = {}
        for source, (source_keys, resource, _) in columns.items():
            if source != ASSET:
                sizes = np.bincount(resource + 1, minlength=len(source_keys) + 1)[1:]
                walks |= {
                    key: self.material.draw_walk(key[0], key[1], int(size))
                    for key, size in zip(source_keys, sizes, strict=True)
                }
        starts = np.cumsum([0, *(request.count for request in requests)])
        return [
            self._fillings(frame[int(a) : int(b)], int(a), columns, walks)
            for a, b in pairwise(starts)
        ]

    def _drawn(self, number: int, request: Request, aims: Aims) -> pl.DataFrame:
        """A row per plan of one request: its template's number and what it aims at. `turn` is how
        early it draws: its rank among those of its stratum and route, 0 to 1, plus its route's
        number in COSTLIEST.
        """
        stratum, route = request.stratum, request.route
        rng = stream(self.material.seed, route, *stratum.key)
        fits = self.eligible(stratum)[route]
        weights = np.array([self.templates[t].header.weight for t in fits])
        rank = np.arange(request.limit)
        return pl.DataFrame(
            {
                "request": pl.repeat(number, request.limit, dtype=pl.Int64, eager=True),
                "selected": rank < request.count,
                "turn": COSTLIEST.index(route) + (rank + 0.5) / max(request.limit, 1),
                **aimed(stratum, request.limit, aims, self.material, rng),
                "seed": rng.integers(0, 2**31 - 1, request.limit),
                "template": rng.choice(fits, request.limit, p=weights / weights.sum()),
            }
        )

    def _resource(self, source: str, template: int, request: Request, keys: dict[Key, int]) -> int:
        """The number of what a template draws from for a stratum, -1 for nothing."""
        header = self.templates[template].header
        if source not in header.sources:
            return -1
        return keys.setdefault(self.material.key(source, header, request.stratum), len(keys))

    def _fillings(
        self, rows: pl.DataFrame, first: int, columns: Mapping[str, Any],
        walks: Mapping[Key, Mapping[str, NDArray[np.int64]]],
    ) -> Iterator[Filling]:  # fmt: skip
        labels, ids = self.material.labels, self.material.node_ids
        used = [template.used for template in self.templates]
        for index, row in enumerate(rows.iter_rows(named=True), first):
            template = self.templates[row["template"]]
            slots: dict[str, Any] = {}
            assets: list[str] = []
            nodes: list[str] = []
            image = None
            for source in template.header.sources:
                source_keys, resource, draws = columns[source]
                key, drawn = source_keys[resource[index]], int(draws[index])
                if source == ASSET:
                    pool = self.material.pool(key)
                    assert pool is not None
                    item = self.material.items[pool[drawn % pool.size]]
                    slots |= {name: item[name] for name in item if name in used[row["template"]]}
                    assets.append(item["asset_id"])
                    image = item[IMAGE] if IMAGE in template.header.requires else None
                else:
                    for slot, walked in walks[key].items():
                        node = int(walked[drawn])
                        slots[slot] = labels[node]
                        nodes.append(ids[node])
            yield Filling(
                template.template_id, slots, tuple(assets), tuple(nodes), image,
                row["words"], row["place"], row["seed"],
            )  # fmt: skip


def aimed(
    stratum: Stratum, n: int, aims: Aims, material: Material, rng: np.random.Generator
) -> dict[str, NDArray[Any] | pl.Series]:
    """`words` and `place` that `n` plans of a stratum aim at, after the population's quantiles:
    each of shape (n,).

    Evenly spread over any first of them, since how many will be used depends on how many pass. A
    function without quantiles is spread evenly; a class that has no word aims at no place.
    """
    level = (np.outer(R2, np.arange(1, n + 1)) + rng.random((2, 1))) % 1
    low, high = stratum.min_words, stratum.max_words
    words = np.zeros(n, np.int64)
    if high:
        even = {0.0: low, 1.0: high}
        quantiles = aims.words.get(stratum[FUNCTION]) or aims.words.get("*") or even
        steps = probabilities(quantiles, low, high).cumsum()
        words = low + np.searchsorted(steps, level[0]).clip(0, high - low)
    frame = material.pack.frames.get(stratum[LOCALE])
    if frame is None or not frame.classes.get(material.class_of(stratum) or ""):
        return {"words": words, "place": pl.repeat(None, n, dtype=pl.Float64, eager=True)}
    levels, positions = np.array(sorted((float(q), float(v)) for q, v in aims.places.items())).T
    return {"words": words, "place": np.interp(level[1], levels, positions)}


def draw_numbers(
    resource: NDArray[np.int64], turn: NDArray[np.float64], selected: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Which draw from its resource each plan gets; shape (n,), -1 where it gets none.

    `resource` numbers what a plan draws from, -1 for nothing. The selected plans of a resource get
    its first draws, each a different one: all of it is used before any is used twice. Most get the
    same whatever else is selected: their index by `turn` among all plans, selected or not.
    """
    numbers = np.full(resource.size, -1)
    rows = np.flatnonzero(resource >= 0)
    rows = rows[np.lexsort((turn[rows], resource[rows]))]
    bounds = np.flatnonzero(np.diff(resource[rows])) + 1
    for members in np.split(rows, bounds):
        used = selected[members]
        draws = np.flatnonzero(used)
        # Those behind the last draw take the draws of plans that are not selected.
        draws[draws >= draws.size] = np.flatnonzero(~used[: draws.size])
        numbers[members[used]] = draws
    return numbers


def unbanded(strata: Sequence[Stratum]) -> list[Stratum]:
    """The strata with all length bands in one, for a recipe that plans no lengths."""
    merged: dict[tuple[str, ...], Stratum] = {}
    for one in strata:
        key = tuple(value for name, value in one.values.items() if name != BAND)
        current = merged.get(key, replace(one, share=0.0))
        low, high = min(current.min_words, one.min_words), max(current.max_words, one.max_words)
        name = band(low, high) if high else one[BAND]
        merged[key] = replace(
            current, values={**one.values, BAND: name}, share=current.share + one.share,
            min_words=low, max_words=high,
        )  # fmt: skip
    return list(merged.values())
