"""What metrics/validate.json and the plots say of a dataset: the proof that it meets its target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from stages.core.frame import Frame
from stages.core.quantiles import Quantiles
from stages.core.runs import Runs
from stages.core.strata import BAND, FUNCTION, LOCALE, NONE, SCENARIO, Stratum
from stages.dataset import columns, diversity, evidence, statistics

# Routes are compared at the size of the smallest that has this many rows.
MIN_ROWS = 30
# The check of a request that the engine did not answer.
ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a dataset is measured against.

    words: {function: {quantile: words}}; places: {quantile: place of the class word, 0 to 1};
    naming: share of the queries of classes with a word that name theirs, None if unknown; frames:
    by locale.
    """

    golden: Runs
    strata: Sequence[Stratum]
    dimensions: Sequence[str]
    words: Mapping[str, Quantiles]
    places: Quantiles
    naming: float | None
    frames: Mapping[str, Frame]
    threshold: float
    seed: int


def candidates(frame: pl.DataFrame) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """What became of the candidates, in all, by route and by template.

    frame: with `selected`, whether a row that passed is in the dataset; those that are not are the
    surplus. acceptance: of the candidates, those that passed; a request that the engine did not
    answer is not a candidate.
    """
    refused = dict(frame.drop_nulls("check")["check"].value_counts(sort=True).rows())
    failed = refused.pop(ENGINE, 0)
    frame = frame.filter(pl.col("check").ne_missing(ENGINE))
    passed = pl.col("check").is_null()
    counts = [pl.len().alias("candidates"), passed.sum().alias("passed"),
              passed.mean().round(4).alias("acceptance"),
              pl.col("selected").sum()]  # fmt: skip
    by_route = frame.group_by("route").agg(counts).sort("route")
    by_template = frame.group_by("route", "template_id").agg(counts).sort("route", "template_id")
    near = refused.get("near_duplicate", 0)
    rows = max(by_route["selected"].sum(), 1)
    metrics = {
        "candidates": frame.height,
        "failed": failed,
        "rejected": refused,
        "surplus": (by_route["passed"] - by_route["selected"]).sum(),
        "routes": {r["route"]: {k: r[k] for k in ("candidates", "passed", "acceptance")} |
                   {"share": round(r["selected"] / rows, 4)}
                   for r in by_route.iter_rows(named=True)},
        "duplicates": refused.get("duplicate", 0),
        "near_duplicates": near,
        # Of the candidates that passed every check before this one.
        "near_duplicate_share": round(near / max(by_route["passed"].sum() + near, 1), 4),
    }  # fmt: skip
    return metrics, {"routes": by_route, "templates": by_template}


def dataset(samples: pl.DataFrame, by: Yardstick) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """How the selected rows are distributed, against the target, and how varied they are.

    samples: the columns query, text, stratum, function, scenario, route, locale, place, slots,
    worded and meant.
    """
    samples = samples.with_columns(words=columns.counts(samples["query"]))
    coarse = [SCENARIO, FUNCTION, *by.dimensions]
    fine = statistics.shares(samples["stratum"], by.strata, [*coarse, LOCALE, BAND])
    kinds = statistics.shares(samples["stratum"], by.strata, coarse)
    js, p = statistics.divergence(kinds)
    words = statistics.lengths(samples, by.words)
    golden = statistics.golden_runs(by.golden.longest_runs(samples["text"]))
    routes = samples["route"].value_counts()["count"]
    size = min([diversity.SAMPLE, *routes.filter(routes >= MIN_ROWS)])
    near = nearly_the_same(samples, by)
    metrics: dict[str, Any] = {
        "rows": samples.height,
        "js_bits": rounded(js, 6),
        "js_bits_strata": rounded(statistics.divergence(fine)[0], 6),
        "chi2_p": rounded(p, 6),
        "scenarios": dict(sorted(Counter(samples["scenario"]).items())),
        "functions": len(set(samples["function"]) - {NONE}),
        "words": {name: statistics.length_figures(table) for name, table in words.items()},
        **diversity.distinct(samples["query"]),
        "self_bleu": self_bleu(samples["query"], diversity.SAMPLE, by.seed),
        "near_duplicates_left": rounded(near, 4),
        "golden_overlap": {
            "longest": golden["run"].max(),
            "rows": {str(run): rows for run, rows in golden.rows() if run >= 3},
        },
        "by_route": {
            str(route): of_route(part, by, size)
            for (route,), part in samples.sort("route").group_by("route", maintain_order=True)
        },
    }
    plots = {
        "strata": fine,
        "golden_runs": golden,
        **{f"words/{name}": table for name, table in words.items()},
        **{
            f"dimensions/{name}": statistics.shares(
                samples["stratum"], by.strata, [FUNCTION, name]
            ).rename({name: "value"})
            for name in by.dimensions or (SCENARIO,)
        },
    }
    if samples["worded"].any():
        metrics["class_place"] = {
            **statistics.place_figures(samples, by.places),
            "target_share_naming": by.naming,
        }
        plots["class_place"] = statistics.place_histogram(samples["place"], by.places)
    if by.frames:
        metrics["vision_evidence"] = evidence.figures(samples, by.frames)
    return metrics, plots


def nearly_the_same(samples: pl.DataFrame, by: Yardstick) -> float | None:
    """Share of the rows to which another that means the same is a near-duplicate."""
    near = 0.0
    for _, part in samples.group_by("meant", maintain_order=True):
        if part.height > 1:
            near += (diversity.near_left(part["text"], by.threshold, by.seed) or 0) * part.height
    return near / samples.height if samples.height else None


def of_route(part: pl.DataFrame, by: Yardstick, size: int) -> dict[str, Any]:
    """The figures that routes are compared by.

    distinct-n and self-BLEU depend on the number of rows: they are taken over `size` of each route.
    """
    sampled = diversity.sample(part["query"], size, by.seed)
    placed = part["worded"].any()
    return {
        "rows": part.height,
        "sample": len(sampled),
        **diversity.distinct(sampled),
        "self_bleu": self_bleu(sampled, size, by.seed),
        "words_median": part["words"].median(),
        **({"class_place": statistics.place_figures(part, by.places)} if placed else {}),
    }


def self_bleu(queries: pl.Series, size: int, seed: int) -> float | None:
    return rounded(diversity.self_bleu(diversity.sample(queries, size, seed)), 4)


def rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
