"""Is the dataset distributed as wanted: dimensions, word counts, positions of the class words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import ceil

import numpy as np
import polars as pl

from stages.core.divergence import js_bits
from stages.core.quantiles import Quantiles, cdf, probabilities
from stages.core.strata import NONE, Stratum

UNIFORM: Quantiles = {0.0: 0.0, 1.0: 1.0}
BINS = 10


def shares(rows: Iterable[str], strata: Sequence[Stratum], names: Sequence[str]) -> pl.DataFrame:
    """The columns `names`, target (share), accepted (share), rows; one line per combination of
    the dimensions `names` in the strata. rows: the name of each row's stratum.
    """
    of = {one.name: tuple(one.values.get(name, NONE) for name in names) for one in strata}
    target: dict[tuple[str, ...], float] = {}
    for one in strata:
        target[of[one.name]] = target.get(of[one.name], 0.0) + one.share
    counted = Counter(of[name] for name in rows)
    table = pl.DataFrame(
        [(*key, float(share), counted[key]) for key, share in target.items()],
        schema={**dict.fromkeys(names, pl.String), "target": pl.Float64, "rows": pl.Int64},
        orient="row",
    )
    return table.with_columns(
        target=pl.col("target") / pl.col("target").sum(),
        accepted=pl.col("rows") / pl.max_horizontal(pl.col("rows").sum(), 1),
    ).select(*names, "target", "accepted", "rows")


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
    """Per function a histogram: words (1..longest), rows, accepted (share), target (share); "*" is
    for all functions that have none of their own.

    frame: with the column `words`, their number; target: word counts at quantiles, per function.
    """
    tables = {}
    for function, quantiles in target.items():
        own = pl.col("function") == function
        if function == "*":
            own = ~pl.col("function").is_in([name for name in target if name != "*"])
        counts = frame.filter(own)["words"].to_numpy()
        longest = max(ceil(max(quantiles.values())), counts.max(initial=0))
        rows = np.bincount(counts, minlength=longest + 1)[1:]
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
    difference = np.abs(np.cumsum(accepted - target))
    return {
        "median": float(median),
        "q1": float(q1),
        "q3": float(q3),
        "mean": round(float(values.mean()), 3),
        "target_mean": round(float(words @ target), 3),
        "ks": round(float(difference.max()), 4),
        "wasserstein": round(float(difference.sum()), 4),
    }


def ks(sample: np.ndarray, distribution: Callable[[np.ndarray], np.ndarray]) -> float:
    """Kolmogorov-Smirnov distance of a sample to a distribution: the largest difference between the
    sample's cumulative shares, just before and at each of its values, and the distribution's.
    """
    cumulative = distribution(np.sort(sample))
    steps = np.arange(len(cumulative) + 1) / len(cumulative)
    return float(max((steps[1:] - cumulative).max(), (cumulative - steps[:-1]).max()))


def place_figures(frame: pl.DataFrame, target: Quantiles = UNIFORM) -> dict[str, float | None]:
    """Where the queries of `frame` name their class (column `place`), and how many do not.

    The worded queries (column `worded`) are those of a class that users have words for.
    share_without: of all queries; share_naming, share_worded_without: of the worded ones.
    ks_uniform, ks_target: KS distance to uniform [0, 1] and to the positions at quantiles `target`.
    start, middle, end: shares of the thirds among the queries that name their class.
    """
    worded = frame.filter("worded")["place"]
    places = frame["place"].drop_nulls().to_numpy()
    figures: dict[str, float] = {}
    if len(frame):
        figures["share_without"] = frame["place"].null_count() / len(frame)
    if len(worded):
        figures["share_worded_without"] = worded.null_count() / len(worded)
        figures["share_naming"] = 1 - worded.null_count() / len(worded)
    if len(places):
        thirds = np.histogram(places, bins=3, range=(0, 1))[0] / len(places)
        figures |= {
            "ks_uniform": ks(places, lambda at: at),
            "ks_target": ks(places, partial(cdf, target)),
            "mean": places.mean(),
            **dict(zip(("start", "middle", "end"), thirds, strict=True)),
        }
    names = ("share_naming", "share_without", "share_worded_without", "ks_uniform",
             "ks_target", "mean", "start", "middle", "end")  # fmt: skip
    return {n: round(float(figures[n]), 4) if n in figures else None for n in names}


def place_histogram(places: pl.Series, target: Quantiles) -> pl.DataFrame:
    """place (middle of a bin), accepted, target, uniform (shares); BINS lines."""
    edges = np.linspace(0, 1, BINS + 1)
    rows = np.histogram(places.drop_nulls().to_numpy(), bins=edges)[0]
    return pl.DataFrame(
        {
            "place": (edges[1:] + edges[:-1]).round(6) / 2,
            "accepted": rows / max(rows.sum(), 1),
            "target": np.diff(cdf(target, edges)),
            "uniform": np.full(BINS, 1 / BINS),
        }
    )


def golden_runs(runs: np.ndarray) -> pl.DataFrame:
    """run (words in a row shared with a golden query, 0..longest), rows."""
    rows = np.bincount(runs, minlength=1)
    return pl.DataFrame({"run": np.arange(len(rows)), "rows": rows})
