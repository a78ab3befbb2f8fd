"""The strata of a pack's population: joint shares of all dimensions, then whole quotas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from stages.core.apportion import apportion
from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.pack_files import DEFAULT_SCENARIOS, INGESTED_KINDS, POPULATION
from stages.core.quantiles import cumulative
from stages.core.sources import Source
from stages.core.strata import BAND, FUNCTION, LOCALE, NONE, SCENARIO, Stratum, band
from stages.planning.dimensions import Dimension, Floats, Marginal, fit
from stages.planning.scenarios import SCENARIOS, traits
from stages.planning.sources import Pools, label

# Quantiles at which length bands end where the population names none.
BAND_LEVELS = (1 / 3, 2 / 3, 1.0)
# Kinds of sources whose values can be a dimension.
LISTED = ("enum", "class", "vocabulary", "boolean", "examples", *INGESTED_KINDS)
# Length bands where any length will do: lowest words, highest words, share.
ANY_LENGTH = [(0, 0, 1.0)]
# Below this share of all a stratum is what rounding left.
NEGLIGIBLE = 1e-12


def plannable(pack: Pack) -> tuple[list[str], list[str]]:
    """The functions for which valid calls can be planned, but those held out, and a warning for
    each that lacks a source.

    Raises InputError if there is none.
    """
    blocked = pack.blocked
    warnings = [
        f"{name} is not planned: its required {', '.join(keys)} has no source: name one in "
        f"{pack.folder / 'pack.yaml'}"
        for name, keys in blocked.items()
    ]
    names = [name for name in pack.trained.names if name not in blocked]
    if not names:
        raise InputError("no function can be planned:\n  " + "\n  ".join(warnings))
    return names, warnings


def strata(pack: Pack, pools: Pools) -> tuple[list[Stratum], list[str]]:
    """All strata with a share, in the order of the dimensions' values, and warnings.

    Shares are those of population.yaml; without it functions are equal and the scenarios have
    DEFAULT_SCENARIOS. Raises InputError if the shares clash with each other.
    """
    functions, warnings = plannable(pack)
    dimensions = [
        Dimension(SCENARIO, _scenarios(pack)),
        Dimension(FUNCTION, (NONE, *functions)),
        Dimension(LOCALE, pack.locales),
    ]
    base, more = _base(pack, dimensions)
    table, dimensions = _with_own(pack, pools, base, dimensions)
    lengths = {name: _lengths(pack, name) for name in dimensions[1].values}
    all_strata = []
    for cell in np.argwhere(table > NEGLIGIBLE):
        values = {d.name: d.values[i] for d, i in zip(dimensions, cell, strict=True)}
        own = {name: values[name] for name in list(values)[3:]}
        share = float(table[tuple(cell)])
        bands = lengths[values[FUNCTION]] if traits(values[SCENARIO]).has_bands else ANY_LENGTH
        for low, high, part in bands:
            if part <= 0:
                continue
            name = band(low, high) if high else NONE
            named = {SCENARIO: values[SCENARIO], FUNCTION: values[FUNCTION],
                     LOCALE: values[LOCALE], BAND: name, **own}  # fmt: skip
            all_strata.append(Stratum(named, share * part, low, high))
    return all_strata, warnings + more


def _scenarios(pack: Pack) -> tuple[str, ...]:
    """Those that every pack has, and others where they have a share: a row of zeros more would
    change the last digit of others' shares.
    """
    declared = pack.population.scenarios
    return tuple(name for name in SCENARIOS if name in DEFAULT_SCENARIOS or declared.get(name))


def _shares(declared: Mapping[str, float], names: Sequence[str]) -> Floats:
    """Shares in the order of `names`, sum 1; equal where none is declared."""
    numbers = np.array(
        [declared.get(name, 0.0) if declared else 1.0 for name in names], dtype=float
    )
    if not numbers.sum():
        raise InputError(
            f"{POPULATION}: none of {list(names)[:20]} has a share: give one of them a number"
        )
    return numbers / numbers.sum()


def _base(pack: Pack, dimensions: list[Dimension]) -> tuple[Floats, list[str]]:
    """Joint shares of scenario, function and locale."""
    scenarios, functions, locales = (d.values for d in dimensions)
    population, warnings = pack.population, []
    by_function = _shares(population.functions, functions[1:])
    allowed = np.zeros([len(d.values) for d in dimensions])
    for i, name in enumerate(scenarios):
        scenario = SCENARIOS[name]
        if not traits(name).has_function:
            allowed[i, 0] = 1
            continue
        for j, function in enumerate(functions[1:], 1):
            is_free = traits(name).has_world or function not in pack.stateful
            allowed[i, j] = is_free and scenario.serves(pack, function) and by_function[j - 1] > 0
    declared = population.scenarios or DEFAULT_SCENARIOS
    targets = dict(zip(scenarios, _shares(declared, scenarios), strict=True))
    for i, name in enumerate(scenarios):
        reach = by_function[allowed[i, 1:, 0] > 0].sum() if traits(name).has_function else 1.0
        if targets[name] and not reach:
            warnings.append(f"scenario {name}: no function of the pack allows it: left out")
            targets[name] = 0.0
        elif not population.scenarios and name != "single":
            # No more than half of what each function has, where nobody asked for a number.
            targets[name] = min(targets[name], reach / 2)
    by_scenario = _shares(targets, scenarios)
    for i, j in np.argwhere(_affinity(pack, dimensions).max(axis=2) == 0):
        allowed[i, j] = 0
    without = sum(
        share
        for share, name in zip(by_scenario, scenarios, strict=True)
        if not traits(name).has_function
    )
    marginals = [
        Marginal((0,), by_scenario),
        Marginal((1,), np.array([without, *(by_function * (1 - without))])),
        Marginal((2,), _shares(population.locales, locales)),
    ]
    return fit(allowed * _affinity(pack, dimensions), marginals, dimensions), warnings


def _affinity(pack: Pack, dimensions: Sequence[Dimension]) -> Floats:
    """The product of all affinities between these dimensions, 1 where nothing is said."""
    names = [d.name for d in dimensions]
    product = np.ones([len(d.values) for d in dimensions])
    for key, lines in pack.population.affinity.items():
        pair = key.split(".")
        if not set(pair) <= set(names):
            continue
        axes = [names.index(name) for name in pair]
        grid = np.ones([len(dimensions[axis].values) for axis in axes])
        for one, line in lines.items():
            for other, number in line.items():
                cell = []
                for axis, value in zip(axes, (one, other), strict=True):
                    if value not in dimensions[axis].values:
                        raise InputError(
                            f"{POPULATION}: affinity.{key}: {value!r:.60} is no value of "
                            f"{names[axis]}, which has {list(dimensions[axis].values)[:20]}"
                        )
                    cell.append(dimensions[axis].values.index(value))
                grid[tuple(cell)] = number
        if axes[0] > axes[1]:
            axes, grid = axes[::-1], grid.T
        shape = [len(d.values) if i in axes else 1 for i, d in enumerate(dimensions)]
        product = product * grid.reshape(shape)
    return product


def _with_own(
    pack: Pack, pools: Pools, base: Floats, dimensions: list[Dimension]
) -> tuple[Floats, list[Dimension]]:
    """The joint shares with the pack's own dimensions, each a further axis."""
    table = base
    for name, slots in pack.dimensions.items():
        slots = {f: slot for f, slot in slots.items() if f in dimensions[1].values}
        values = _values(pack, pools, name, slots)
        added = [*dimensions, Dimension(name, (NONE, *values))]
        # How often each scenario and function says the value.
        said = np.zeros(table.shape[:2])
        for i, scenario in enumerate(dimensions[0].values):
            for function, slot in slots.items():
                said[i, dimensions[1].values.index(function)] = SCENARIOS[scenario].said_share(
                    pack, function, slot
                )
        own = _shares(pack.population.dimensions.get(name, {}), values)
        mass = said.reshape((*said.shape, *[1] * (table.ndim - 2)))
        with_value = table * mass
        total = float(with_value.sum())
        parts = [with_value * part for part in own]
        for function, slot in slots.items():
            for k, locale in enumerate(dimensions[2].values):
                own_values = _values_of(pack, pools, name, function, slot, locale)
                for part, value in zip(parts, values, strict=True):
                    if value not in own_values:
                        part[:, dimensions[1].values.index(function), k] = 0
        seed = np.stack([table - with_value, *parts], axis=-1)
        affinity = _affinity(pack, [dimensions[0], *added[1:]])
        axes = tuple(range(table.ndim))
        marginals = [
            Marginal(axes, table),
            Marginal((table.ndim,), np.array([1 - total, *(own * total)])),
        ]
        table, dimensions = fit(seed * affinity, marginals, added), added
    return table, dimensions


def _values(pack: Pack, pools: Pools, name: str, slots: Mapping[str, str]) -> list[str]:
    """The values of a dimension of the pack's own that have a share."""
    values: dict[str, None] = {}
    for function, slot in slots.items():
        for locale in pack.locales:
            values.update(dict.fromkeys(_values_of(pack, pools, name, function, slot, locale)))
    declared = pack.population.dimensions.get(name, {})
    for value in declared:
        if value not in values:
            raise InputError(
                f"{POPULATION}: dimensions.{name}: {value!r:.60} is none of its values "
                f"{list(values)[:20]}"
            )
    return [value for value in values if not declared or declared.get(value)]


def _values_of(
    pack: Pack, pools: Pools, name: str, function: str, slot: str, locale: str
) -> list[str]:
    """The values that one function's argument may take in a locale."""
    source: Source | None = pack.by_key.get(f"{function}.{slot}")
    if source is None or source.kind not in LISTED:
        raise InputError(
            f"pack.yaml: dimensions.{name}: {function}.{slot} has no list of values (enum, "
            "vocabulary, boolean, asset, graph): choose another argument"
        )
    return list(dict.fromkeys(label(value) for value in pools.values(source, locale)))


def values_of(pack: Pack, pools: Pools, name: str, function: str) -> tuple[str, ...]:
    """The values that a dimension may have for a function, in any locale."""
    slot = pack.dimensions[name][function]
    values = (v for one in pack.locales for v in _values_of(pack, pools, name, function, slot, one))
    return tuple(dict.fromkeys(values))


def _lengths(pack: Pack, function: str) -> list[tuple[int, int, float]]:
    """Length bands of a function with their shares: (lowest words, highest words, share)."""
    words = pack.population.words.get(function) or pack.population.words.get("*")
    if not words:
        return ANY_LENGTH
    longest = int(np.ceil(words[1]))
    bounds = pack.population.bands.get(function) or pack.population.bands.get("*")
    if not bounds:
        levels = sorted(words)
        ends = np.interp(BAND_LEVELS, levels, [words[level] for level in levels])
        bounds = sorted({max(1, int(np.ceil(end))) for end in ends})
    elif bounds[-1] < longest:
        raise InputError(
            f"{POPULATION}: words of {function or '*'}: the longest query has {longest} words, the "
            f"last band ends at {bounds[-1]}: raise it"
        )
    shares = np.diff(cumulative(words, bounds), prepend=0.0)
    edges = pairwise([0, *bounds])
    return [(low + 1, high, float(part)) for (low, high), part in zip(edges, shares, strict=True)]


def quotas(
    all_strata: Sequence[Stratum], rows: int, minimum: int,
    weights: Callable[[Stratum], Mapping[str, float]],
) -> tuple[list[Stratum], list[str]]:  # fmt: skip
    """The strata with whole quotas that sum to `rows`, each split over its routes by weight; those
    that get no row are left out. A warning for each that no route can write: its share goes to the
    others.

    weights: of the routes that can write a stratum. minimum: rows of each stratum at least. Raises
    InputError if there are not so many, or if no stratum can be written.
    """
    routes = [{r: w for r, w in weights(stratum).items() if w > 0} for stratum in all_strata]
    warnings = [
        f"nothing writes {' x '.join(filter(None, stratum.key))}: its share {stratum.share:.4f} "
        "goes to the other strata"
        for stratum, own in zip(all_strata, routes, strict=True)
        if not own
    ]
    writable = [(stratum, own) for stratum, own in zip(all_strata, routes, strict=True) if own]
    if not writable:
        raise InputError(
            "route.weights: no stratum can be written by a route that has a weight: give one, and "
            "look at the templates and at what the pack's sources give"
        )
    shares = np.array([stratum.share for stratum, _ in writable])
    if minimum * len(writable) > rows:
        raise InputError(
            f"route: {rows} rows cannot give {minimum} to each of {len(writable)} strata: raise "
            "rows or lower the minimum"
        )
    floors = np.full(len(writable), minimum)
    rest = rows - int(floors.sum())
    above = np.maximum(shares / shares.sum() * rows - floors, 0)
    sizes = floors + (apportion(rest, above) if rest else 0)
    served = []
    for (stratum, own), size in zip(writable, sizes, strict=True):
        if size:
            parts = apportion(int(size), list(own.values()))
            split = {route: int(n) for route, n in zip(own, parts, strict=True)}
            served.append(replace(stratum, quota=int(size), routes=split))
    return served, warnings
