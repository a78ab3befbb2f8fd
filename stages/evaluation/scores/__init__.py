"""Scores of answered golden rows, one a file: `ratio(row) -> (top, bottom)`, summed over the rows.

A score is the sum of the tops by the sum of the bottoms; a row that it does not concern adds
(0, 0). So a mean, precision, recall and F1 have the same form, and the same bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.evaluation.answered import Answered
from stages.evaluation.scores import (
    argument_f1,
    argument_precision,
    argument_recall,
    asks_for_it,
    exact_call,
    function_accuracy,
    hallucinated_function,
    missing_argument_accuracy,
    must_call,
    no_call_accuracy,
    readable,
)

Ratio = Callable[[Answered], tuple[float, float]]
SCORES: dict[str, Ratio] = {
    "function_accuracy": function_accuracy.ratio,
    "argument_f1": argument_f1.ratio,
    "argument_precision": argument_precision.ratio,
    "argument_recall": argument_recall.ratio,
    "exact_call": exact_call.ratio,
    "no_call_accuracy": no_call_accuracy.ratio,
    "missing_argument_accuracy": missing_argument_accuracy.ratio,
    "asks_for_it": asks_for_it.ratio,
    "must_call": must_call.ratio,
    "hallucinated_function": hallucinated_function.ratio,
    "readable": readable.ratio,
}


class Estimate(NamedTuple):
    """A score with its 95% interval; None where no row concerns it."""

    value: float
    low: float
    high: float


def table(rows: Sequence[Answered]) -> dict[str, NDArray[np.float64]]:
    """Score -> the rows' (top, bottom), shape (rows, 2)."""
    return {name: np.array([score(row) for row in rows]) for name, score in SCORES.items()}


def estimates(rows: Sequence[Answered], samples: int, seed: int) -> dict[str, Estimate | None]:
    """All scores of at least one row, with percentile bootstrap intervals over the rows (Efron &
    Tibshirani 1993, chapter 13). A resample that a score does not concern at all is left out.
    """
    parts = table(rows)
    size = len(rows)
    weights = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=samples)
    found: dict[str, Estimate | None] = {}
    for name, part in parts.items():
        top, bottom = part.sum(axis=0)
        if not bottom:
            found[name] = None
            continue
        drawn = weights @ part
        drawn = drawn[drawn[:, 1] > 0]
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
        found[name] = Estimate(float(top / bottom), float(low), float(high))
    return found
