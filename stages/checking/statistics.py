"""Figures about the dataset: is it distributed as wanted, and how varied is it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy import stats
from scipy.spatial.distance import jensenshannon

from stages.checking.phrases import type_word
from stages.checking.words import count, words
from stages.contracts.domain import Domain


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
    target, rows = table["target"].to_numpy(), table["rows"].to_numpy()
    if not rows.sum():
        return None, None
    js = float(jensenshannon(target, rows / rows.sum(), base=2) ** 2)
    wanted = target > 0
    if rows[~wanted].sum() or wanted.sum() < 2:
        return js, None
    expected = target[wanted] * rows.sum()
    return js, float(stats.chisquare(rows[wanted], expected * rows.sum() / expected.sum()).pvalue)


def lengths(frame: pl.DataFrame) -> pl.DataFrame:
    """function, words, rows: histogram of the queries' word counts."""
    counted = pl.Series("words", [count(query) for query in frame["query"]], dtype=pl.Int64)
    return (
        frame.select("function")
        .with_columns(counted)
        .group_by("function", "words")
        .agg(rows=pl.len().cast(pl.Int64))
        .sort("function", "words")
    )


def length_figures(histogram: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Per function the quartiles and the mean of the word counts."""
    figures = {}
    for (function,), part in histogram.group_by("function", maintain_order=True):
        values = np.repeat(part["words"].to_numpy(), part["rows"].to_numpy())
        q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
        figures[str(function)] = {"median": float(median), "q1": float(q1), "q3": float(q3),
                                  "mean": round(float(values.mean()), 3)}  # fmt: skip
    return figures


def distinct(queries: pl.Series, most: int = 3) -> dict[str, float]:
    """distinct-n: different n-grams over all n-grams, n = 1..most (Li et al. 2016)."""
    found = [words(query) for query in queries]
    figures = {}
    for n in range(1, most + 1):
        grams = [tuple(w[i : i + n]) for w in found for i in range(len(w) - n + 1)]
        figures[f"distinct_{n}"] = round(len(set(grams)) / max(len(grams), 1), 4)
    return figures


def positions(frame: pl.DataFrame, domain: Domain) -> pl.DataFrame:
    """function, content_type, position: where a query names its own type, from 0 (first word) to 1.

    Null where it does not, and for a query of one word.
    """
    found: list[tuple[str, str, bool, float | None]] = []
    columns = ("query", "function", "content_type")
    for query, function, content_type in frame.select(columns).iter_rows():
        named = type_word(query, domain)
        names = named is not None and named[0] == content_type
        size = len(words(query))
        place = named[1] / (size - 1) if named is not None and names and size > 1 else None
        found.append((function, content_type, names, place))
    schema = {"function": pl.String, "content_type": pl.String, "names": pl.Boolean,
              "position": pl.Float64}  # fmt: skip
    return pl.DataFrame(found, schema=schema, orient="row")


def position_figures(table: pl.DataFrame, domain: Domain) -> dict[str, float | None]:
    """Share of queries that name their type, and the position's KS distance to uniform [0, 1].

    Types that users have no word for, as Any, do not count in the share.
    """
    wordless = [name for name, kind in domain.content_types.items() if not kind.words]
    typed = table.filter(~pl.col("content_type").is_in(wordless))
    places = typed["position"].drop_nulls().to_numpy()
    named = typed["names"].mean()
    return {
        "share_naming_type": round(float(named), 4) if isinstance(named, float) else None,
        "ks_uniform": round(float(stats.kstest(places, "uniform").statistic), 4)
        if len(places)
        else None,
        "mean": round(float(places.mean()), 4) if len(places) else None,
    }
