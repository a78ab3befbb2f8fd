"""Population statistics to a joint target: checks, iterative proportional fitting, band shares."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.contracts.command import InputError
from stages.contracts.domain import Domain

Floats = NDArray[np.float64]


def shares(value: Any, allowed: list[str], where: str) -> Floats:
    """Counts or shares per name, normalized, in the order of `allowed`; missing names are 0."""
    if not isinstance(value, dict) or not value:
        raise InputError(f"{where} must map names to shares")
    unknown = [name for name in value if name not in allowed]
    if unknown:
        raise InputError(f"{where}: {unknown[0]!r} is unknown to domain.yaml; it knows {allowed}")
    numbers = [value.get(name, 0) for name in allowed]
    for name, number in zip(allowed, numbers, strict=True):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise InputError(f"{where}.{name}: {number!r} is no number")
        if not 0 <= number < float("inf"):
            raise InputError(f"{where}.{name}: {number} must not be negative")
    total = float(sum(numbers))
    if total == 0:
        raise InputError(f"{where}: all shares are zero")
    fractions = [n for n in numbers if not float(n).is_integer()]
    if fractions and abs(total - 1) > 1e-6:
        raise InputError(
            f"{where}: the shares sum to {total:g}, not to 1; give counts or mend them"
        )
    return np.asarray(numbers, dtype=float) / total


def fit(affinity: Floats, rows: Floats, columns: Floats, tolerance: float = 1e-10) -> Floats:
    """Joint table with the given marginals, nearest to `affinity` in relative entropy.

    Iterative proportional fitting (Deming and Stephan 1940). Shapes: affinity (r, c), rows (r,),
    columns (c,). Raises InputError if zeros of the affinity make the marginals unreachable.
    """
    table = affinity / affinity.sum()
    for _ in range(10_000):
        for axis, wanted in ((1, rows), (0, columns)):
            have = table.sum(axis=axis)
            blocked = (have == 0) & (wanted > 0)
            if blocked.any():
                raise InputError(
                    f"population: affinity forbids everything in line {int(blocked.argmax())} "
                    f"although its share is {wanted[blocked][0]:.4f}"
                )
            factor = np.divide(wanted, have, out=np.zeros_like(wanted), where=have > 0)
            table = table * (factor[:, None] if axis == 1 else factor)
        miss = np.abs(table.sum(axis=1) - rows).max()
        if miss < tolerance:
            return table
    raise InputError(f"population: shares contradict the affinity; rows are off by {miss:.4g}")


def band_shares(quantiles: dict[float, float], bounds: list[int], where: str) -> Floats:
    """Share of queries in each length band, from word counts at quantiles.

    `bounds` are the bands' upper word counts, ascending. The distribution between two quantiles
    is taken as uniform over whole word counts.
    """
    points = sorted(quantiles.items())
    if len(points) < 2 or points[0][0] != 0 or points[-1][0] != 1:
        raise InputError(f"{where}: name the quantiles 0 and 1 and any between")
    if any(b[1] < a[1] for a, b in pairwise(points)):
        raise InputError(f"{where}: word counts must not fall as quantiles rise: {points}")
    if points[-1][1] > bounds[-1]:
        raise InputError(
            f"{where}: the longest query has {points[-1][1]} words, the last band ends at "
            f"{bounds[-1]}"
        )
    levels, counts = np.array([p[0] for p in points]), np.array([p[1] for p in points], dtype=float)
    # A count of n words covers the interval (n - 0.5, n + 0.5].
    counts[0] -= 0.5
    counts[-1] += 0.5
    cumulative = np.interp(np.asarray(bounds) + 0.5, counts, levels)
    cumulative[-1] = 1.0
    return np.diff(cumulative, prepend=0.0)


def joint(statistics: dict[str, Any], bands: dict[str, list[int]], domain: Domain, where: Path
          ) -> list[dict[str, Any]]:  # fmt: skip
    """The target: one record per function x content type x band x locale with its share."""
    known = {"functions", "content_types", "affinity", "words", "locales"}
    unknown = sorted(set(statistics) - known)
    missing = sorted(known - {"affinity"} - set(statistics))
    if unknown or missing:
        raise InputError(f"{where}: unknown keys {unknown}, missing keys {missing}")
    functions = [f.name for f in domain.functions]
    types = list(domain.content_types)
    rows = shares(statistics["functions"], functions, f"{where}: functions")
    columns = shares(statistics["content_types"], types, f"{where}: content_types")
    locales = shares(statistics["locales"], domain.locales, f"{where}: locales")
    affinity = np.ones((len(functions), len(types)))
    for name, line in (statistics.get("affinity") or {}).items():
        if name not in functions:
            raise InputError(f"{where}: affinity: unknown function {name!r}")
        for kind, number in line.items():
            if kind not in types:
                raise InputError(f"{where}: affinity.{name}: unknown content type {kind!r}")
            if not isinstance(number, int | float) or number < 0:
                raise InputError(f"{where}: affinity.{name}.{kind}: {number!r} must be >= 0")
            affinity[functions.index(name), types.index(kind)] = number
    table = fit(affinity, rows, columns)
    cells = []
    for i, function in enumerate(functions):
        limit = domain.function(function).max_words
        if function not in bands or bands[function][-1] != limit:
            raise InputError(
                f"population.bands.{function} must end at the function's max_words {limit}"
            )
        if function not in statistics["words"]:
            raise InputError(f"{where}: words: no quantiles for {function}")
        label = f"{where}: words.{function}"
        lengths = band_shares(statistics["words"][function], bands[function], label)
        lower = 1
        for upper, length in zip(bands[function], lengths, strict=True):
            for j, kind in enumerate(types):
                for locale, part in zip(domain.locales, locales, strict=True):
                    share = table[i, j] * length * part
                    cells.append(
                        {
                            "function": function,
                            "content_type": kind,
                            "band": f"{lower}-{upper}",
                            "min_words": lower,
                            "max_words": upper,
                            "locale": locale,
                            "share": round(float(share), 12),
                        }
                    )
            lower = upper + 1
    return cells
