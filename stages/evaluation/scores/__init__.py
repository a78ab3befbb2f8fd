"""Scores of answered golden rows, one per file: `ratio(row) -> (top, bottom)`, summed over rows.

A score is the sum of the tops by the sum of the bottoms; a row that it does not concern adds
(0, 0). So a mean, precision, recall and F1 have the same form, and the same bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.evaluation import significance
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
from stages.evaluation.significance import Labels

Floats = NDArray[np.float64]
# Macro F1 over the functions, which is not a sum over rows.
F1 = "function_f1"

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


def table(rows: Sequence[Answered], own: Mapping[str, Floats] | None = None) -> dict[str, Floats]:
    """Score -> the rows' (top, bottom), shape (rows, 2). own: the pack's, of `own.scores`."""
    ratios = {name: np.array([score(row) for row in rows]) for name, score in SCORES.items()}
    for name, values in (own or {}).items():
        concerns = np.isfinite(values)
        ratios[name] = np.stack([np.where(concerns, values, 0.0), concerns.astype(float)], axis=1)
    return ratios


def functions(rows: Sequence[Answered]) -> Labels:
    """The functions that each row expects and calls, of the rows where a call is right."""
    wanted = [
        [one.name for one in row.golden.expected] if row.golden.act == "call" else []
        for row in rows
    ]
    called = [
        [call.name for call in row.parsed.calls] if row.golden.act == "call" else [] for row in rows
    ]
    return significance.labels(wanted, called)


def estimates(
    rows: Sequence[Answered], samples: int, seed: int, own: Mapping[str, Floats] | None = None
) -> dict[str, Estimate | None]:
    """All scores of at least one row, with percentile bootstrap intervals over the rows (Efron &
    Tibshirani 1993, chapter 13), the macro F1 of the functions first. own: the pack's.
    """
    parts, macro = table(rows, own), {F1: functions(rows)}
    drawn = significance.bootstrap(parts, macro, len(rows), samples, seed)
    by_name: dict[str, Estimate | None] = {}
    for name in (F1, *parts):
        if name == F1:
            once = np.ones((1, len(rows)))
            value = float(significance.f1(once, macro[F1])[0]) if macro[F1].expected.any() else None
        else:
            top, bottom = parts[name].sum(axis=0)
            value = float(top / bottom) if bottom else None
        if value is None:
            by_name[name] = None
            continue
        by_name[name] = Estimate(value, *significance.percentiles(drawn[name]))
    return by_name
