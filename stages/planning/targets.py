"""A population's target: checks, iterative proportional fitting, band shares, the cells.

A population comes as statistics (`from_statistics`) or as a table of observed queries
(stages/planning/observed.py); both end as a `Target`, which `record` turns into target.json.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.quantiles import cumulative

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Quantiles = dict[float, float]

# A type word anywhere in the query, where nothing is known.
UNIFORM: Quantiles = {0: 0.0, 1: 1.0}
TOLERANCE = 1e-6
# Numbers of a statistics file, and an affinity that is not 0.
MOST, LEAST = 1e15, 1e-100


@dataclass(frozen=True)
class Target:
    """What is known of a population; F functions, T content types, L locales of the domain.

    table: (F, T) joint shares, sum 1. words: function -> word counts at quantiles. locales: (L,)
    shares. type_share: share of queries that name their content type, of those whose type has a
    word; None if unknown. positions: quantiles of `type_position`, 0 to 1. other: rows and
    cells that were too few to tell; epsilon: the noise's budget; both None where there is none.
    """

    table: Floats
    words: dict[str, Quantiles]
    locales: Floats
    type_share: float | None = None
    positions: Quantiles = field(default_factory=lambda: dict(UNIFORM))
    other: dict[str, int] | None = None
    epsilon: float | None = None


def known(names: Iterable[Any], allowed: list[str], where: str) -> None:
    """InputError if a name is not one of the domain's."""
    for name in names:
        if name not in allowed:
            raise InputError(f"{where}: {name!r} is unknown to domain.yaml; it knows {allowed}")


def number(value: Any, where: str) -> float:
    """`value` if it is a finite number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where}: {value!r} is no number")
    if not 0 <= value < float("inf"):
        raise InputError(f"{where}: {value} must not be negative or infinite")
    if value > MOST:  # sums of larger ones are no longer exact
        raise InputError(f"{where}: {value:g} is more than {MOST:g}")
    return value


def normalized(numbers: Floats, where: str) -> Floats:
    """Counts or shares over their sum; shares must sum to 1 already."""
    total = float(numbers.sum())
    if total == 0:
        raise InputError(f"{where}: all shares are zero")
    if (numbers % 1).any() and abs(total - 1) > TOLERANCE:
        raise InputError(
            f"{where}: the shares sum to {total:g}, not to 1; give counts or mend them"
        )
    return numbers / total


def shares(value: Any, allowed: list[str], where: str) -> Floats:
    """Counts or shares per name, normalized, in the order of `allowed`; missing names are 0."""
    if not isinstance(value, dict) or not value:
        raise InputError(f"{where} must map names to shares")
    known(value, allowed, where)
    numbers = [number(value.get(name, 0), f"{where}.{name}") for name in allowed]
    return normalized(np.asarray(numbers, dtype=float), where)


def grid(value: Any, functions: list[str], types: list[str], default: float, where: str) -> Floats:
    """A mapping function -> {content type: number} as a (F, T) table."""
    if not isinstance(value, dict) or not all(isinstance(line, dict) for line in value.values()):
        raise InputError(f"{where} must map functions to content types with their numbers")
    known(value, functions, where)
    table = np.full((len(functions), len(types)), float(default))
    for name, line in value.items():
        known(line, types, f"{where}.{name}")
        for kind, entry in line.items():
            place = functions.index(name), types.index(kind)
            table[place] = number(entry, f"{where}.{name}.{kind}")
            if 0 < table[place] < LEAST:
                raise InputError(f"{where}.{name}.{kind}: {entry:g} is nearly 0: write 0")
    return table


def quantiles(value: Any, where: str) -> Quantiles:
    """A mapping level -> number, levels 0 to 1 with both ends; the numbers must not fall."""
    if not isinstance(value, dict):
        raise InputError(f"{where} must map quantiles (0 to 1) to numbers")
    points = {number(level, where): number(n, f"{where}.{level}") for level, n in value.items()}
    points = dict(sorted(points.items()))
    if len(points) < 2 or min(points) != 0 or max(points) != 1:
        raise InputError(f"{where}: name the quantiles 0 and 1 and any between")
    for (low, before), (high, after) in pairwise(points.items()):
        if after < before:
            raise InputError(
                f"{where}: must not fall as quantiles rise: {before:g} at {low:g}, "
                f"{after:g} at {high:g}"
            )
    return points


def fit(
    affinity: Floats, rows: Floats, columns: Floats, functions: list[str], types: list[str]
) -> Floats:
    """Joint table with the given marginals, nearest to `affinity` in relative entropy.

    Iterative proportional fitting (Deming and Stephan 1940); where that is slow, since zeros of the
    affinity leave hardly any room, Newton's method on the same problem. Shapes: affinity (F, T),
    rows (F,), columns (T,), each marginal with sum 1; the table meets them to 1e-9. Raises
    InputError if zeros put them out of reach; it names what clashes, after Hall: functions that
    want more than the content types hold that they may take.
    """
    if not affinity.any():
        raise InputError("affinity: all are zero")
    labels = [f"functions.{n}" for n in functions], [f"content_types.{n}" for n in types]
    allowed = (affinity > 0) & (rows > 0)[:, None] & (columns > 0)
    for axis, wanted in ((1, rows), (0, columns)):
        for i in np.flatnonzero((wanted > 0) & ~allowed.any(axis=axis)):
            raise InputError(
                f"affinity: {labels[1 - axis][i]} has the share {wanted[i]:.4f}, but the "
                f"affinity is 0 with every partner that has a share"
            )
    table = _proportional(affinity / affinity.sum(), rows, columns)
    if _missed(table, rows, columns) < 1e-10:
        return table
    flow, clash = _flow(allowed, rows, columns)
    if clash.any():
        reach: Mask = np.asarray(allowed[clash].any(axis=0))
        wanted_most, most = rows[clash].sum(), columns[reach].sum()
        raise InputError(
            f"affinity: its zeros leave {[n for n, c in zip(functions, clash, strict=True) if c]} "
            f"(share {_share(wanted_most)}) only the content types "
            f"{[n for n, r in zip(types, reach, strict=True) if r]} (share {_share(most)}); "
            f"{_share(wanted_most - most)} is out of reach: mend the shares or put a small number "
            "for a zero"
        )
    table = _newton(np.where(_open(allowed, flow), affinity, 0), rows, columns)
    if not _missed(table, rows, columns) < 1e-9:  # numbers too far apart for floats
        raise InputError(
            f"affinity: no table was found to 1e-9 with numbers from "
            f"{affinity[affinity > 0].min():g} to {affinity.max():g}: bring them nearer together"
        )
    return table


def _share(number: float) -> str:
    """A share with four digits, or more where it is smaller than these can tell."""
    return f"{number:.4f}" if number >= 0.0001 else f"{number:.2g}"


def _missed(table: Floats, rows: Floats, columns: Floats) -> float:
    """By how much a table misses its marginals, at most."""
    off = *(table.sum(axis=1) - rows), *(table.sum(axis=0) - columns)
    return float(np.abs(off).max())


def _proportional(table: Floats, rows: Floats, columns: Floats, rounds: int = 2_000) -> Floats:
    """Iterative proportional fitting, until the marginals are met or the rounds are over."""
    for _ in range(rounds):
        for axis, wanted in ((1, rows), (0, columns)):
            have = table.sum(axis=axis)
            factor = np.divide(wanted, have, out=np.zeros_like(wanted), where=have > 0)
            table = table * (factor[:, None] if axis == 1 else factor)
        if np.abs(rows - table.sum(axis=1)).max() < 1e-10:
            break
    return table


# What rounding leaves of a flow that is nothing, and of a demand that is met.
NOISE = 1e-13


def _flow(allowed: Mask, rows: Floats, columns: Floats) -> tuple[Floats, Mask]:
    """A table with the marginals on the allowed cells, (F, T), and no clash, (F,) all false; or
    which functions want more than there is for them, after the minimum cut.
    """
    import networkx as nx

    # Shares are what floats make of them: in whole units the flow is exact.
    unit = 2**60
    graph = nx.DiGraph()
    graph.add_nodes_from(("from", "to"))
    graph.add_edges_from(("from", i, {"capacity": int(n * unit)}) for i, n in enumerate(rows))
    ends = len(rows)
    graph.add_edges_from(
        (ends + j, "to", {"capacity": int(n * unit)}) for j, n in enumerate(columns)
    )
    graph.add_edges_from((i, ends + j) for i, j in np.argwhere(allowed).tolist())
    _, by_node = nx.maximum_flow(graph, "from", "to")
    flow = np.zeros(allowed.shape)
    for i in range(ends):
        for j, amount in by_node.get(i, {}).items():
            flow[i, j - ends] = amount / unit
    clash = np.zeros(ends, dtype=bool)
    short = rows - flow.sum(axis=1)
    if short.sum() < 1e-10:
        return flow, clash
    # All that a function which is short can reach, by pushing others away: together they clash.
    clash |= short > NOISE
    while True:
        reach = allowed[clash].any(axis=0)
        wider = clash | (flow[:, reach] > NOISE).any(axis=1)
        if (wider == clash).all():
            return flow, clash
        clash = wider


def _open(allowed: Mask, flow: Floats) -> Mask:
    """The allowed cells that some table with the marginals fills: all those on a circle of cells
    where one can grow, the next shrink. The others are zero in all tables.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n, m = allowed.shape
    links = np.zeros((n + m, n + m), dtype=bool)
    links[:n, n:] = allowed
    links[n:, :n] = (flow > NOISE).T
    _, part = connected_components(csr_array(links), connection="strong")
    return allowed & (part[:n, None] == part[n:])


def _newton(affinity: Floats, rows: Floats, columns: Floats) -> Floats:
    """The same table as by proportional fitting, by Newton's method on the dual problem: its
    logarithm is that of the affinity plus a number for each row and column. Every cell where the
    affinity is not 0 must be filled by some table with the marginals.
    """
    live_rows, live_columns = affinity.any(axis=1), affinity.any(axis=0)
    block = affinity[np.ix_(live_rows, live_columns)]
    wanted = np.concatenate([rows[live_rows], columns[live_columns]])
    n = len(block)
    with np.errstate(divide="ignore"):
        logs = np.log(block / block.max())

    def filled(x: Floats) -> Floats:
        return np.exp(np.minimum(logs + x[:n, None] + x[n:], 50))

    def loss(x: Floats) -> float:
        return float(filled(x).sum() - wanted @ x)

    start = _proportional(block / block.sum(), wanted[:n], wanted[n:])
    x = np.zeros(len(wanted))
    best, least = start, _missed(start, wanted[:n], wanted[n:])
    for _ in range(500):
        table = filled(x)
        have = np.concatenate([table.sum(axis=1), table.sum(axis=0)])
        missed = float(np.abs(have - wanted).max())
        if missed < least:
            best, least = table, missed
        if least < 1e-12:
            break
        hessian = np.diag(have)
        hessian[:n, n:], hessian[n:, :n] = table, table.T
        # The dual is the same along one line for each part of the table that stands by itself.
        step = -np.linalg.lstsq(hessian, have - wanted, rcond=1e-15)[0]
        step *= min(1.0, 4.0 / max(np.abs(step).max(), 1e-300))
        slope, here = float((have - wanted) @ step), loss(x)
        size = 1.0
        while size > 1e-6 and loss(x + size * step) > here + 1e-4 * size * slope:
            size /= 2
        x = x + size * step
    best = _proportional(best, wanted[:n], wanted[n:])
    made = np.zeros_like(affinity)
    made[np.ix_(live_rows, live_columns)] = best
    return made


def band_shares(words: Quantiles, bounds: list[int], where: str) -> Floats:
    """Share of queries in each length band, from word counts at quantiles.

    `bounds` are the bands' upper word counts, ascending. See `quantiles.cumulative`.
    """
    points = quantiles(words, where)
    if points[1] > bounds[-1]:
        raise InputError(
            f"{where}: the longest query has {points[1]:g} words, the last band ends at "
            f"{bounds[-1]}"
        )
    return np.diff(cumulative(points, bounds), prepend=0.0)


def joint(statistics: dict[str, Any], domain: Domain, where: Path) -> Floats:
    """The (F, T) shares: `joint` as it stands, else `affinity` fitted to the two marginals."""
    functions, types = [f.name for f in domain.functions], list(domain.content_types)
    sides = {"functions": functions, "content_types": types}
    marginals = {
        key: shares(statistics[key], names, f"{where}: {key}")
        for key, names in sides.items()
        if key in statistics
    }
    if "joint" not in statistics:
        affinity = grid(statistics.get("affinity") or {}, functions, types, 1, f"{where}: affinity")
        try:
            return fit(
                affinity, marginals["functions"], marginals["content_types"], functions, types
            )
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    label = f"{where}: joint"
    table = normalized(grid(statistics["joint"], functions, types, 0, label), label)
    for axis, (key, names) in enumerate(sides.items()):
        have = table.sum(axis=1 - axis)
        for name, share, told in zip(names, have, marginals.get(key, have), strict=True):
            if abs(share - told) > TOLERANCE:
                raise InputError(
                    f"{where}: {key}.{name} is {told:.6g}, but joint gives it {share:.6g}; "
                    f"mend one or leave {key} out"
                )
    return table


def from_statistics(statistics: dict[str, Any], domain: Domain, where: Path) -> Target:
    """Check a statistics file (`where` is its path, for messages) and return its target."""
    has_joint = "joint" in statistics
    needed = {"words", "locales"} | ({"joint"} if has_joint else {"functions", "content_types"})
    allowed = needed | {"functions", "content_types", "type_words"}
    allowed |= set() if has_joint else {"affinity"}
    unknown, missing = sorted(set(statistics) - allowed), sorted(needed - set(statistics))
    if unknown or missing:
        hint = "; affinity does not go with joint" if has_joint and "affinity" in unknown else ""
        raise InputError(f"{where}: unknown keys {unknown}, missing keys {missing}{hint}")
    table = joint(statistics, domain, where)
    given = statistics["words"]
    if not isinstance(given, dict):
        raise InputError(f"{where}: words must map functions to quantiles")
    names = [f.name for f in domain.functions]
    known(given, names, f"{where}: words")
    for name in names:
        if name not in given:
            raise InputError(f"{where}: words: no quantiles for {name}")
    words = {name: quantiles(given[name], f"{where}: words.{name}") for name in names}
    locales = shares(statistics["locales"], domain.locales, f"{where}: locales")
    share, positions = type_words(statistics.get("type_words"), f"{where}: type_words")
    return Target(table, words, locales, share, positions)


def type_words(value: Any, where: str) -> tuple[float | None, Quantiles]:
    """`type_words` of a statistics file: the share that names its type, and where it stands."""
    value = {} if value is None else value
    if not isinstance(value, dict) or set(value) - {"share", "positions"}:
        raise InputError(f"{where} takes the keys share and positions, found {value!r}")
    share = value.get("share")
    if share is not None and number(share, f"{where}.share") > 1:
        raise InputError(f"{where}.share: {share} must lie in 0 to 1")
    positions = quantiles(value.get("positions", UNIFORM), f"{where}.positions")
    if positions[1] > 1:
        raise InputError(f"{where}.positions: {positions[1]:g} must lie in 0 (start) to 1 (end)")
    return share, positions


def check_bands(bands: dict[str, list[int]], domain: Domain) -> None:
    """InputError unless every function has bands that rise to its max_words."""
    known(bands, [f.name for f in domain.functions], "population.bands")
    for function in domain.functions:
        name, limit = function.name, function.max_words
        if name not in bands or bands[name][-1] != limit:
            raise InputError(
                f"population.bands.{name} must end at the function's max_words {limit}"
            )
        if any(upper <= lower for lower, upper in pairwise([0, *bands[name]])):
            raise InputError(f"population.bands.{name}: {bands[name]} must rise")


def cells(
    target: Target, bands: dict[str, list[int]], domain: Domain, where: Path
) -> list[dict[str, Any]]:
    """One record per function x content type x band x locale with its share; they sum to 1.

    Within a function, length and locale are taken as independent of the content type.
    """
    check_bands(bands, domain)
    found = []
    for i, function in enumerate(domain.functions):
        name = function.name
        lengths = band_shares(target.words[name], bands[name], f"{where}: words.{name}")
        lower = 1
        for upper, length in zip(bands[name], lengths, strict=True):
            for j, kind in enumerate(domain.content_types):
                for locale, part in zip(domain.locales, target.locales, strict=True):
                    share = target.table[i, j] * length * part
                    found.append(
                        {
                            "function": name,
                            "content_type": kind,
                            "band": f"{lower}-{upper}",
                            "min_words": lower,
                            "max_words": upper,
                            "locale": locale,
                            "share": round(float(share), 12),
                        }
                    )
            lower = upper + 1
    return found


def _levels(points: Quantiles) -> dict[str, float]:
    return {f"{level:g}": value for level, value in points.items()}


def record(
    target: Target, bands: dict[str, list[int]], domain: Domain, where: Path
) -> dict[str, Any]:
    """target.json: the cells and the aggregates behind them."""
    names = [f.name for f in domain.functions]
    functions = [round(float(share), 12) for share in target.table.sum(axis=1)]
    locales = [round(float(share), 12) for share in target.locales]
    return {
        "cells": cells(target, bands, domain, where),
        "functions": dict(zip(names, functions, strict=True)),
        "words": {name: _levels(target.words[name]) for name in names},
        "locales": dict(zip(domain.locales, locales, strict=True)),
        "type_words": {"share": target.type_share, "positions": _levels(target.positions)},
        "other": target.other,
        "epsilon": target.epsilon,
    }
