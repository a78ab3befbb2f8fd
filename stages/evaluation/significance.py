"""How sure a score is, and whether two models differ: intervals and paired tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
# Weights held at once while resampling: 8 MiB of float64.
CHUNK = 1 << 20


@dataclass(frozen=True)
class Labels:
    """Which labels each row expects and which it was given, each of shape (rows, labels); of which
    those that are both, `hits`.
    """

    hits: Floats
    expected: Floats
    predicted: Floats


def labels(expected: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Labels:
    """The counts of each row's labels. A label that is expected and not given is a miss of it."""
    names = sorted({name for row in (*expected, *predicted) for name in row})
    given = [
        np.array([[row.count(name) for name in names] for row in side], dtype=float).reshape(
            len(side), len(names)
        )
        for side in (expected, predicted)
    ]
    return Labels(np.minimum(*given), *given)


def f1(weights: Floats, counted: Labels) -> Floats:
    """Macro F1 of each weighting of the rows: the mean of 2 TP / (2 TP + FP + FN) over the labels
    (van Rijsbergen, Information Retrieval, 1979; as scikit-learn's `average="macro"`). Labels that
    are absent from a resample are left out. weights: (samples, rows); shape of the result
    (samples,).
    """
    hits = weights @ counted.hits
    total = weights @ (counted.expected + counted.predicted)
    present = total > 0
    scores = np.where(present, 2 * hits / np.maximum(total, 1), 0.0)
    return np.asarray(scores.sum(axis=1) / np.maximum(present.sum(axis=1), 1))


def bootstrap(
    ratios: Mapping[str, Floats], macro: Mapping[str, Labels], rows: int, samples: int, seed: int
) -> dict[str, Floats]:
    """Each score of `samples` resamples of the rows with replacement, shape (samples,), NaN where a
    resample has no row that the score concerns.

    ratios: name -> the rows' (top, bottom), shape (rows, 2): a score is the sum of the tops by that
    of the bottoms. macro: name -> labels of which F1 is taken. All use the same resamples. Drawing
    how often each row occurs (a multinomial) is drawing the rows; every score is then a product
    with these counts. Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 6.
    """
    generator = np.random.default_rng(seed)
    resampled: dict[str, list[Floats]] = {name: [] for name in (*ratios, *macro)}
    step = max(1, CHUNK // max(rows, 1))
    for start in range(0, samples, step):
        size = min(step, samples - start)
        weights = generator.multinomial(rows, np.full(rows, 1 / rows), size=size).astype(float)
        for name, part in ratios.items():
            drawn = weights @ part
            bottom = np.where(drawn[:, 1] > 0, drawn[:, 1], np.nan)
            resampled[name].append(drawn[:, 0] / bottom)
        for name, counted in macro.items():
            resampled[name].append(f1(weights, counted))
    return {name: np.concatenate(parts) for name, parts in resampled.items()}


def percentiles(draws: Floats, level: float = 0.95) -> list[float]:
    """[low, high] that holds the middle `level` of the draws, NaN apart.

    Efron & Tibshirani (1993), chapter 13.
    """
    finite = draws[np.isfinite(draws)]
    return [float(x) for x in np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])]


@dataclass(frozen=True)
class McNemar:
    """p (two-sided) and the discordant rows: right in the first only, in the second only."""

    p: float
    first_only: int
    second_only: int


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """Exact McNemar test of two models' right answers to the same rows.

    Given n discordant rows, those of the first model are Binomial(n, 1/2) under equality; no
    discordant row gives p = 1. McNemar (1947), exact form; Fagerland et al. (2013).
    """
    pairs = list(zip(first, second, strict=True))
    first_only = sum(a and not b for a, b in pairs)
    second_only = sum(b and not a for a, b in pairs)
    total = first_only + second_only
    p = float(stats.binomtest(first_only, total, 0.5).pvalue) if total else 1.0
    return McNemar(p, first_only, second_only)


def paired_t(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p of Student's paired t-test (Student, 1908).

    Differences without spread have no t: p is 1 if they are all zero or there is only one row,
    else 0.
    """
    difference = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    if len(difference) < 2 or not np.any(difference):
        return 1.0
    # Equal differences come out of the subtraction equal to rounding only.
    if np.ptp(difference) <= 1e-12 * np.abs(difference).max():
        return 0.0
    return float(stats.ttest_rel(second, first).pvalue)


def holm(pvalues: Sequence[float]) -> list[float]:
    """P-values adjusted for several tests, in the given order (Holm, 1979, step-down)."""
    count = len(pvalues)
    adjusted = [0.0] * count
    running = 0.0
    for rank, index in enumerate(sorted(range(count), key=lambda i: pvalues[i])):
        running = max(running, min(1.0, (count - rank) * pvalues[index]))
        adjusted[index] = running
    return adjusted
