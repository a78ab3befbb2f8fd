"""Is the dataset distributed as wanted: content types, word counts, places of the type words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import ceil
from typing import Any

import numpy as np
import polars as pl

from stages.core.divergence import js_bits
from stages.core.domain import Domain
from stages.core.quantiles import Quantiles, cdf, probabilities

UNIFORM: Quantiles = {0.0: 0.0, 1.0: 1.0}
BINS = 10


def shares(frame: pl.DataFrame, cells: list[dict[str, Any]]) -> pl.DataFrame:
    """function, content_type, target (share), accepted (share), rows; a line a combination."""
    target = (
        pl.DataFrame(
            [(c["function"], c["content_type"], float(c["share"])) for c in cells],
            schema=["function", "content_type", "target"],
            orient="row",
        )
        .group_by("function", "content_type", maintain_order=True)
        .agg(pl.col("target").sum())
    )
    rows = frame.group_by("function", "content_type").agg(rows=pl.len().cast(pl.Int64))
    pair = ["function", "content_type"]
    both = target.join(
        rows, on=pair, how="full", coalesce=True, maintain_order="left_right"
    ).with_columns(pl.col("target", "rows").fill_null(0))
    return both.with_columns(
        target=pl.col("target") / pl.col("target").sum(),
        accepted=pl.col("rows") / pl.max_horizontal(pl.col("rows").sum(), 1),
    ).select("function", "content_type", "target", "accepted", "rows")


def divergence(table: pl.DataFrame) -> tuple[float | None, float | None]:
    """(Jensen-Shannon divergence in bits (Lin 1991), p of Pearson's chi-square) of `shares`.

    None where it is not defined: no rows, or rows where the target has none.
    """
    from scipy.special import chdtrc  # scipy.stats takes half a second to import

    target, rows = table["target"].to_numpy(), table["rows"].to_numpy()
    if not rows.sum():
        return None, None
    js = js_bits(target, rows)
    wanted = target > 0
    if rows[~wanted].sum() or wanted.sum() < 2:
        return js, None
    expected = target[wanted] / target[wanted].sum() * rows.sum()
    chi_square = ((rows[wanted] - expected) ** 2 / expected).sum()
    return js, float(chdtrc(wanted.sum() - 1, chi_square))


def lengths(frame: pl.DataFrame, target: Mapping[str, Quantiles]) -> dict[str, pl.DataFrame]:
    """Per function a histogram: words (1..longest), rows, accepted (share), target (share).

    frame: with the column `words`, their number; target: word counts at quantiles, per function.
    """
    tables = {}
    for function, quantiles in target.items():
        found = frame.filter(function=function)["words"].to_numpy()
        longest = max(ceil(max(quantiles.values())), found.max(initial=0))
        rows = np.bincount(found, minlength=longest + 1)[1:]
        tables[function] = pl.DataFrame(
            {
                "words": np.arange(1, longest + 1),
                "rows": rows,
                "accepted": rows / max(rows.sum(), 1),
                "target": probabilities(quantiles, 1, longest),
            }
        )
    return tables


def length_figures(histogram: pl.DataFrame) -> dict[str, float] | None:
    """Quartiles and mean of the word counts, and how far they are from the target; None if empty.

    ks: largest difference of the two cumulative distributions (Kolmogorov-Smirnov), 0 to 1.
    wasserstein: words that a query must change by in the mean, area between the two.
    """
    words, rows, accepted, target = (column.to_numpy() for column in histogram)
    if not rows.sum():
        return None
    values = np.repeat(words, rows)
    q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
    apart = np.abs(np.cumsum(accepted - target))
    return {
        "median": float(median),
        "q1": float(q1),
        "q3": float(q3),
        "mean": round(float(values.mean()), 3),
        "target_mean": round(float(words @ target), 3),
        "ks": round(float(apart.max()), 4),
        "wasserstein": round(float(apart.sum()), 4),
    }


def ks(sample: np.ndarray, distribution: Callable[[np.ndarray], np.ndarray]) -> float:
    """Kolmogorov-Smirnov distance of a sample to a distribution: the largest difference between the
    sample's cumulative shares, just before and at each of its values, and the distribution's.
    """
    at = distribution(np.sort(sample))
    steps = np.arange(len(at) + 1) / len(at)
    return float(max((steps[1:] - at).max(), (at - steps[:-1]).max()))


def position_figures(
    frame: pl.DataFrame, domain: Domain, target: Quantiles = UNIFORM
) -> dict[str, float | None]:
    """Where the queries of `frame` name their type (column `position`), and how many do not.

    The typed queries are those of a type that users have words for, so not those of Any.
    share_without: of all queries; share_naming_type, share_typed_without: of the typed ones.
    ks_uniform, ks_target: KS distance to uniform [0, 1] and to the positions at quantiles `target`.
    start, middle, end: shares of the thirds among the queries that name their type.
    """
    worded = [name for name, kind in domain.content_types.items() if kind.words]
    typed = frame.filter(pl.col("content_type").is_in(worded))["position"]
    places = frame["position"].drop_nulls().to_numpy()
    figures: dict[str, float] = {}
    if len(frame):
        figures["share_without"] = frame["position"].null_count() / len(frame)
    if len(typed):
        figures["share_typed_without"] = typed.null_count() / len(typed)
        figures["share_naming_type"] = 1 - typed.null_count() / len(typed)
    if len(places):
        thirds = np.histogram(places, bins=3, range=(0, 1))[0] / len(places)
        figures |= {
            "ks_uniform": ks(places, lambda at: at),
            "ks_target": ks(places, partial(cdf, target)),
            "mean": places.mean(),
            **dict(zip(("start", "middle", "end"), thirds, strict=True)),
        }
    names = ("share_naming_type", "share_without", "share_typed_without", "ks_uniform",
             "ks_target", "mean", "start", "middle", "end")  # fmt: skip
    return {n: round(float(figures[n]), 4) if n in figures else None for n in names}


def position_histogram(places: pl.Series, target: Quantiles) -> pl.DataFrame:
    """position (middle of a bin), accepted, target, uniform (shares); BINS lines."""
    edges = np.linspace(0, 1, BINS + 1)
    rows = np.histogram(places.drop_nulls().to_numpy(), bins=edges)[0]
    return pl.DataFrame(
        {
            "position": (edges[1:] + edges[:-1]).round(6) / 2,
            "accepted": rows / max(rows.sum(), 1),
            "target": np.diff(cdf(target, edges)),
            "uniform": np.full(BINS, 1 / BINS),
        }
    )


def golden_runs(found: np.ndarray) -> pl.DataFrame:
    """run (words in a row shared with a golden query, 0..longest), rows."""
    rows = np.bincount(found, minlength=1)
    return pl.DataFrame({"run": np.arange(len(rows)), "rows": rows})
