"""What metrics/validate.json and the plots say of a dataset: the proof that it meets its target."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import polars as pl

from stages.core.domain import Domain
from stages.core.quantiles import Quantiles
from stages.dataset import columns, diversity, statistics
from stages.dataset.contamination import Golden

# Routes with fewer rows than this do not lower the number of rows that routes are compared at.
FEW = 30
# The check of a request that the engine did not answer.
ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a dataset is measured with.

    words: {function: {quantile: words}}; positions: {quantile: place of the type word, 0 to 1};
    naming: share of the queries of types with a word that name theirs, None if unknown.
    """

    known: Domain
    golden: Golden
    cells: list[dict[str, Any]]
    words: Mapping[str, Quantiles]
    positions: Quantiles
    naming: float | None
    seed: int


def candidates(frame: pl.DataFrame) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """What became of the candidates, in all, by route and by template.

    frame: with `selected`, whether a row that passed is in the dataset; those that are not are the
    surplus. acceptance: of the candidates, those that passed; a request that the engine did not
    answer is no candidate.
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
        "judged_again": frame["again"].sum(),
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


def dataset(
    samples: pl.DataFrame, by: Yardstick, left: Future[float | None]
) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """How the selected rows are distributed, against the target, and how varied they are.

    samples: with the columns `position` and `text` of `rows.checked`; left: `diversity.near_left`
    of them, which takes longest and is asked for last.
    """
    samples = samples.with_columns(words=columns.counts(samples["query"]))
    types = statistics.shares(samples, by.cells)
    js, p = statistics.divergence(types)
    words = statistics.lengths(samples, by.words)
    golden = statistics.golden_runs(by.golden.longest_runs(samples["text"]))
    routes = samples["route"].value_counts()["count"]
    size = min([diversity.SAMPLE, *routes.filter(routes >= FEW)])
    metrics = {
        "accepted": samples.height,
        "js_bits": rounded(js, 6),
        "chi2_p": rounded(p, 6),
        "words": {name: statistics.length_figures(table) for name, table in words.items()},
        **diversity.distinct(samples["query"]),
        "self_bleu": self_bleu(samples["query"], diversity.SAMPLE, by.seed),
        "near_duplicates_left": None,  # its place among the others
        "golden_overlap": {
            "longest": golden["run"].max(),
            "rows": {str(run): rows for run, rows in golden.rows() if run >= 3},
        },
        "type_position": {
            **statistics.position_figures(samples, by.known, by.positions),
            "target_share_naming_type": by.naming,
        },
        "by_route": {
            str(route): of_route(part, by, size)
            for (route,), part in samples.sort("route").group_by("route", maintain_order=True)
        },
    }
    plots = {
        "content_types": types,
        "type_position": statistics.position_histogram(samples["position"], by.positions),
        "golden_runs": golden,
        **{f"words/{name}": table for name, table in words.items()},
    }
    metrics["near_duplicates_left"] = rounded(left.result(), 4)
    return metrics, plots


def of_route(part: pl.DataFrame, by: Yardstick, size: int) -> dict[str, Any]:
    """The figures that routes are compared by.

    distinct-n and self-BLEU depend on the number of rows: they are taken over `size` of each route.
    """
    few = diversity.sample(part["query"], size, by.seed)
    return {
        "rows": part.height,
        "sample": len(few),
        **diversity.distinct(few),
        "self_bleu": self_bleu(few, size, by.seed),
        "words_median": part["words"].median(),
        "type_position": statistics.position_figures(part, by.known, by.positions),
    }


def self_bleu(queries: pl.Series, size: int, seed: int) -> float | None:
    return rounded(diversity.self_bleu(diversity.sample(queries, size, seed)), 4)


def rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
