"""Joint shares of any number of dimensions, from marginals and affinities.

Iterative proportional fitting (Deming and Stephan 1940) in n dimensions: of all tables with the
given marginals the nearest to the affinity in relative entropy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.core.command import InputError

Floats = NDArray[np.float64]
# Numbers of a table: more is more than a population can say anything about.
MAX_CELLS = 5_000_000
# By how much a fitted table may miss a marginal: less than a row in ten thousand.
TOLERANCE = 1e-4
ROUNDS, CLOSE = 2_000, 1e-10


@dataclass(frozen=True)
class Dimension:
    """Something that the population has shares of."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Marginal:
    """What a table must sum to over all axes but `axes`; shape of `shares`: those axes' lengths."""

    axes: tuple[int, ...]
    shares: Floats


def fit(affinity: Floats, marginals: Sequence[Marginal], dimensions: Sequence[Dimension]) -> Floats:
    """The table, of the affinity's shape, that has the marginals and is nearest to it; sum 1.

    A zero of the affinity stays zero. Raises InputError where zeros put the marginals out of reach,
    and names the value that gets too little.
    """
    if affinity.size > MAX_CELLS:
        sizes = " x ".join(f"{len(d.values)} {d.name}" for d in dimensions)
        raise InputError(
            f"population: {sizes} are {affinity.size} combinations, at most {MAX_CELLS}: declare "
            "fewer dimensions"
        )
    if not affinity.any():
        raise InputError("population: every combination of its dimensions is ruled out")
    table = affinity / affinity.sum()
    for _ in range(ROUNDS):
        for marginal in marginals:
            sums = _summed(table, marginal.axes)
            factor = np.divide(marginal.shares, sums, out=np.zeros_like(sums), where=sums > 0)
            table = table * _spread(factor, marginal.axes, table.ndim)
        if _missed(table, marginals) < CLOSE:
            return table
    if _missed(table, marginals) > TOLERANCE:
        raise InputError(_complaint(table, marginals, dimensions))
    return table / table.sum()


def _summed(table: Floats, axes: tuple[int, ...]) -> Floats:
    """The table's sums over all other axes; axes ascend."""
    return np.asarray(table.sum(axis=tuple(a for a in range(table.ndim) if a not in axes)))


def _spread(values: Floats, axes: tuple[int, ...], n: int) -> Floats:
    """`values` in a shape that multiplies a table of `n` axes along `axes`."""
    sizes = dict(zip(axes, values.shape, strict=True))
    return values.reshape([sizes.get(axis, 1) for axis in range(n)])


def _missed(table: Floats, marginals: Sequence[Marginal]) -> float:
    return max(float(np.abs(_summed(table, m.axes) - m.shares).max()) for m in marginals)


def _complaint(
    table: Floats, marginals: Sequence[Marginal], dimensions: Sequence[Dimension]
) -> str:
    """What is out of reach, by the value that lacks the most of its share."""
    gaps = [m.shares - _summed(table, m.axes) for m in marginals]
    worst = max(range(len(gaps)), key=lambda number: float(gaps[number].max()))
    cell = np.unravel_index(int(gaps[worst].argmax()), gaps[worst].shape)
    axes = marginals[worst].axes
    names = [
        f"{dimensions[axis].name} {dimensions[axis].values[index] or '(none)'!r}"
        for axis, index in zip(axes, cell, strict=True)
    ]
    share = float(marginals[worst].shares[cell])
    return (
        f"population: {' with '.join(names)} has the share {share:.4f}, but only "
        f"{share - float(gaps[worst][cell]):.4f} can be reached with what the others leave: mend "
        "the shares, or put a small number for a zero of the affinity"
    )
