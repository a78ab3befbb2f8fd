"""A distribution from some of its quantiles {level: value}; levels 0 and 1 must be among them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
# {level: value}; a level is a number, or its text as JSON has it.
Quantiles = Mapping[float, float] | Mapping[str, float]


def cdf(quantiles: Quantiles, x: ArrayLike, widen: float = 0.0) -> Floats:
    """P(X <= x), shape as `x`: the density is even between two quantiles.

    The first and the last quantile are moved outwards by `widen`. Equal values of neighbouring
    levels are a jump, which belongs to the value.
    """
    levels, values = np.array(sorted((float(q), float(v)) for q, v in quantiles.items())).T
    values[0] -= widen
    values[-1] += widen
    return np.interp(np.asarray(x, dtype=float), values, levels)


def cumulative(quantiles: Quantiles, counts: ArrayLike) -> Floats:
    """P(X <= n) for whole numbers `counts`, as numbers of words; n covers (n - 0.5, n + 0.5]."""
    return cdf(quantiles, np.asarray(counts) + 0.5, widen=0.5)


def probabilities(quantiles: Quantiles, low: int, high: int) -> Floats:
    """Probability of each whole number low..high, normalised within it; shape (high - low + 1,).

    Even where the quantiles give the interval no mass.
    """
    mass = np.diff(cumulative(quantiles, np.arange(low - 1, high + 1)))
    total = mass.sum()
    return mass / total if total > 0 else np.full(len(mass), 1 / len(mass))
