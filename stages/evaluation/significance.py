"""How sure a score is, and whether two models differ: intervals and paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from stages.evaluation.metrics import labels

Floats = NDArray[np.float64]
# Weights held at once while resampling: 8 MiB of float64.
CHUNK = 1 << 20


def _f1(weights: Floats, frame: pl.DataFrame) -> Floats:
    """Macro F1 of each weighting of the rows; functions absent from a resample are left out."""
    expected = np.stack([(frame["function"] == x).to_numpy() for x in labels(frame)], axis=1)
    predicted = np.stack(
        [(frame["predicted_function"] == x).fill_null(False).to_numpy() for x in labels(frame)],
        axis=1,
    )
    hits = weights @ (expected & predicted).astype(float)
    total = weights @ (expected.astype(float) + predicted.astype(float))
    present = total > 0
    scores = np.where(present, 2 * hits / np.maximum(total, 1), 0.0)
    return scores.sum(axis=1) / present.sum(axis=1)


def bootstrap(frame: pl.DataFrame, samples: int, seed: int) -> dict[str, Floats]:
    """f1, cta and ss of `samples` resamples of the rows with replacement, each (samples,).

    All three use the same resamples. Drawing how often each row occurs (a multinomial) is drawing
    the rows; every score is then a product with these counts. Efron & Tibshirani, An Introduction
    to the Bootstrap (1993), chapter 6.
    """
    rows = len(frame)
    types = frame["content_type_correct"].to_numpy().astype(float)
    similarity = frame["similarity"].to_numpy()
    generator = np.random.default_rng(seed)
    found: dict[str, list[Floats]] = {"f1": [], "cta": [], "ss": []}
    step = max(1, CHUNK // rows)
    for start in range(0, samples, step):
        size = min(step, samples - start)
        counts = generator.multinomial(rows, np.full(rows, 1 / rows), size=size).astype(float)
        found["f1"].append(_f1(counts, frame))
        found["cta"].append(counts @ types / rows)
        found["ss"].append(counts @ similarity / rows)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def percentiles(draws: Floats, level: float = 0.95) -> list[float]:
    """[low, high] that holds the middle `level` of the draws.

    Efron & Tibshirani (1993), chapter 13.
    """
    return [float(x) for x in np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])]


def intervals(
    frame: pl.DataFrame, samples: int, seed: int, level: float = 0.95
) -> dict[str, list[float]]:
    """Percentile bootstrap intervals [low, high] of f1, cta and ss. Deterministic for a seed."""
    draws = bootstrap(frame, samples, seed)
    return {name: percentiles(values, level) for name, values in draws.items()}


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
