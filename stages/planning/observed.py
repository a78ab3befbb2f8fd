"""A table of observed queries to a population: only aggregates leave, and only of enough rows.

The protected unit is one row. Each row adds one to one bin of each histogram:

    function   function; one more bin for queries without a word or with more words than the last
               length band of the function, which count nowhere else
    DIMENSION  function x value, for each dimension of the pack's own
    words      function x number of words
    places     where the class's word stands, in 20 bins, and one bin for "not named"; only rows
               whose class has a word
    locales    only if the table has a locale column and the pack more than one locale; a row
               without one is of the pack's first

With `epsilon`, Laplace noise goes on every bin of every histogram, empty bins too: adding or
removing one row changes one bin of each of the k histograms by 1, so noise of scale k / epsilon
gives epsilon-differential privacy for all of them together (Dwork et al. 2006; sequential
composition over histograms, parallel within one). Noise is rounded to whole numbers and negative
counts become 0. All that follows reads the histograms alone.

With or without noise, no published figure rests on fewer than `min_count` rows:

    cells      functions, and values of a function, under min_count become "other": their rows and
               number are published as one sum, and the others' shares are renormalized. A sum under
               min_count reads min_count.
    locales, named or not    parts under min_count count as 0
    quantiles  the mean of the min_count rows around the rank, never a single row: the quantile 1
               is the mean of the min_count largest. A function with fewer than 10 x min_count rows
               takes the quantiles of all functions, cut at its last band; places with fewer are
               uniform.

The noise is drawn from the operating system's entropy, not from the params' seed: whoever knows a
seed can subtract its noise. So a second run gives other numbers and spends epsilon again; what DVC
cached is the record. ROUTENATOR_NOISE_SEED fixes the draw, for tests on data that is no secret.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.pack_files import MAX_WORDS, PopulationFile
from stages.core.strata import FUNCTION, LOCALE, NONE
from stages.core.text import composed

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
# (query, class, locale) -> the number of its words, and the position (0 to 1) of the word for the
# class.
Look = Callable[[str, str, str], tuple[int, float | None]]

QUERY, WORDS, PLACES, LOCALES = "query", "words", "places", "locales"
READERS = {
    ".csv": "read_csv(?, header=true, all_varchar=true, delim=',', quote='\"', escape='\"', "
    "comment='')",
    ".parquet": "read_parquet(?)",
    ".jsonl": "read_json(?, format='newline_delimited', sample_size=-1)",
}
LEVELS = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
BINS = 20
ENOUGH = 10  # times min_count: the rows around the quantiles 0, 0.1, 0.25 ... then are others


@dataclass(frozen=True)
class Shape:
    """What a pack's population has. limits: the most words of each function's queries; dimensions:
    name -> function -> its values there, NONE where it does not apply; classes: function -> the
    dimension of its class.
    """

    functions: Sequence[str]
    limits: Sequence[int]
    dimensions: Mapping[str, Mapping[str, Sequence[str]]]
    locales: Sequence[str]
    classes: Mapping[str, str]

    def values(self, dimension: str) -> list[str]:
        """All values of a dimension."""
        all_values = (value for values in self.dimensions[dimension].values() for value in values)
        return list(dict.fromkeys(all_values))


def shape(pack: Pack, values: Callable[[str, str], Sequence[str]]) -> Shape:
    """values: of a dimension for a function."""
    bands = pack.population.bands
    functions = list(pack.catalogue.names)
    dimensions = {
        name: {f: values(name, f) if f in slots else (NONE,) for f in functions}
        for name, slots in pack.dimensions.items()
    }
    classes = {}
    for function in functions:
        source = pack.of_kind(function, "class")
        for name, slots in pack.dimensions.items():
            if source is not None and slots.get(function) == source.slot:
                classes[function] = name
    limits = [(bands.get(f) or bands.get("*") or [MAX_WORDS])[-1] for f in functions]
    return Shape(functions, limits, dimensions, pack.locales, classes)


def rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str | None]]:
    """The columns of each row, with `locale` where the table has it.

    A reader's message may quote a line of the table, so none is passed on.
    """
    plain = path.name.lower().removesuffix(".gz")
    call = next((call for suffix, call in READERS.items() if plain.endswith(suffix)), None)
    if call is None or path.name.lower().endswith(".parquet.gz"):
        raise InputError(
            f"{path}: population.source must end in .yaml (statistics) or, for observed queries, "
            f"in one of {list(READERS)}; .gz may follow all but .parquet"
        )
    if not path.is_file():
        raise InputError(f"{path} is missing: population.source names a file inside the pack")
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
            described = connection.execute(f"DESCRIBE SELECT * FROM {call}", [str(path)])
            available = {row[0].lower() for row in described.fetchall()}
            missing = [name for name in columns if name not in available]
            if missing:
                raise InputError(f"{path} lacks the column(s) {missing}")
            names = [*columns, *({LOCALE} & available)]
            expressions = ", ".join(f"CAST({name} AS VARCHAR)" for name in names)
            result = connection.execute(f"SELECT {expressions} FROM {call}", [str(path)])
            while batch := result.fetchmany(10_000):
                yield from (dict(zip(names, row, strict=True)) for row in batch)
    except duckdb.Error as error:
        raise InputError(
            f"{path} is not readable ({type(error).__name__}): check its quotes, its columns and "
            "that it is UTF-8 (the reader's message is withheld, it may quote a query)"
        ) from None


def count(
    path: Path, form: Shape, look: Look, min_count: int, worded: Callable[[str, str], bool]
) -> dict[str, Counts]:
    """The exact histograms of a table, by name; the module's docstring says what each holds.

    worded: whether a class has a word in a locale. Shapes: function (F + 1,), a dimension
    (F, values), words (F, longest query), places (BINS + 1,), locales (L,).
    """
    functions, values = list(form.functions), {d: form.values(d) for d in form.dimensions}
    counts = {
        FUNCTION: np.zeros(len(functions) + 1, np.int64),
        **{d: np.zeros((len(functions), len(values[d])), np.int64) for d in values},
        WORDS: np.zeros((len(functions), max(form.limits)), np.int64),
        PLACES: np.zeros(BINS + 1, np.int64),
    }
    unknown: Counter[tuple[str, str | None]] = Counter()
    for row in rows(path, [QUERY, FUNCTION, *values]):
        if LOCALE in row and len(form.locales) > 1:
            counts.setdefault(LOCALES, np.zeros(len(form.locales), np.int64))
        labels = {k: composed(v) if v else NONE for k, v in row.items() if k != QUERY}
        labels[LOCALE] = labels.get(LOCALE) or form.locales[0]
        function = labels[FUNCTION]
        allowed: dict[str, Sequence[str]] = {FUNCTION: functions, LOCALE: form.locales}
        allowed |= {d: form.dimensions[d].get(function, ()) for d in values}
        if wrong := [
            (name, row.get(name)) for name in allowed if labels[name] not in allowed[name]
        ]:
            unknown[wrong[0]] += 1
            continue
        i = functions.index(function)
        kind = labels.get(form.classes.get(function, ""), NONE)
        size, position = look(row[QUERY] or "", kind, labels[LOCALE])
        if not 1 <= size <= form.limits[i]:
            counts[FUNCTION][-1] += 1
            continue
        counts[FUNCTION][i] += 1
        for dimension, members in values.items():
            counts[dimension][i, members.index(labels[dimension])] += 1
        counts[WORDS][i, size - 1] += 1
        if worded(kind, labels[LOCALE]):
            index = BINS if position is None else min(int(position * BINS), BINS - 1)
            counts[PLACES][index] += 1
        if LOCALES in counts:
            counts[LOCALES][list(form.locales).index(labels[LOCALE])] += 1
    if unknown:
        (column, value), most = unknown.most_common(1)[0]
        # In a table whose columns are shifted, a label may be a query.
        shown = repr(value) if most >= min_count or value is None else "(withheld, too few rows)"
        expected = functions if column == FUNCTION else values.get(column, list(form.locales))
        raise InputError(
            f"{path}: {unknown.total()} rows have labels that the pack does not know, most "
            f"often the {column} {shown}; it knows {expected}"
        )
    if not counts[FUNCTION].any():
        raise InputError(f"{path} holds no row")
    return counts


def entropy() -> np.random.Generator:
    """The source of the noise: the operating system, or ROUTENATOR_NOISE_SEED for tests."""
    seed = os.environ.get("ROUTENATOR_NOISE_SEED")
    if seed is not None and not seed.isdecimal():
        raise InputError(f"ROUTENATOR_NOISE_SEED: {seed!r} is no whole number >= 0")
    return np.random.default_rng(None if seed is None else int(seed))


def noised(
    counts: dict[str, Counts], epsilon: float, random: np.random.Generator
) -> dict[str, Counts]:
    """The histograms with Laplace noise of scale histograms / epsilon, in whole numbers >= 0."""
    scale = len(counts) / epsilon
    tables = {}
    for name, table in counts.items():
        noisy = np.rint(table + random.laplace(0, scale, table.shape))
        tables[name] = np.clip(noisy, 0, 2**40).astype(np.int64)  # a tiny epsilon must not overflow
    return tables


def enough(counts: Counts, min_count: int) -> Counts:
    """`counts` with those under `min_count` set to 0."""
    return np.where(counts < min_count, 0, counts)


def smooth_quantiles(counts: Counts, values: Floats, min_count: int) -> dict[float, float]:
    """Quantiles of a histogram, each the mean of the `min_count` rows around its rank.

    counts, values: (B,), values ascending. Needs `min_count` rows or more.
    """
    ranks = np.concatenate([[0], np.cumsum(counts)]).astype(float)
    sums = np.concatenate([[0], np.cumsum(counts * values)])
    first = np.clip(np.array(LEVELS) * ranks[-1] - min_count / 2, 0, ranks[-1] - min_count)
    means = (np.interp(first + min_count, ranks, sums) - np.interp(first, ranks, sums)) / min_count
    # Rounding, so that sums of floats cannot make quantiles fall.
    return {level: round(float(mean), 6) for level, mean in zip(LEVELS, means, strict=True)}


@dataclass(frozen=True)
class Observed:
    """The population of a table. other: rows and cells that were too few to publish, and queries
    without a word or too long.
    """

    population: PopulationFile
    other: dict[str, int]


def observed(
    counts: dict[str, Counts], form: Shape, declared: PopulationFile, min_count: int,
    epsilon: float | None = None,
) -> Observed:  # fmt: skip
    """The population from histograms, noised or not.

    declared: what the pack says beside the table: scenarios, bands, and locales where the table has
    none. Raises InputError where too few rows are left.
    """
    if epsilon is not None:
        counts = noised(counts, epsilon, entropy())
    functions = list(form.functions)
    per_function = enough(counts[FUNCTION][:-1], min_count)
    cells = {d: enough(counts[d], min_count) * (per_function > 0)[:, None] for d in form.dimensions}
    for dimension in cells.values():  # of a function without a cell nothing can be said
        per_function = np.where(dimension.any(axis=1), per_function, 0)
    if not per_function.any():
        raise InputError(
            f"population: no function, or none with a value of each dimension, has min_count "
            f"{min_count} rows{' after the noise' if epsilon else ''}: lower "
            "population.min_count or give more rows"
        )
    finest = [counts[d] for d in cells] or [counts[FUNCTION][:-1]]
    fine = [*cells.values()] or [per_function]
    other = {
        "rows": _at_most(
            max(int((a - b).sum()) for a, b in zip(finest, fine, strict=True)), min_count
        ),
        "cells": max(int(((a > 0) & (b == 0)).sum()) for a, b in zip(finest, fine, strict=True)),
        "unfit_rows": _at_most(int(counts[FUNCTION][-1]), min_count),
    }
    locales: dict[str, float] = dict(declared.locales)
    if LOCALES in counts:
        per_locale = enough(counts[LOCALES], min_count)
        if not per_locale.any():
            raise InputError(f"population: no locale has min_count {min_count} rows")
        locales = dict(zip(form.locales, per_locale.astype(float).tolist(), strict=True))
    dimensions, affinity = {}, {}
    for name, table in cells.items():
        table = np.where((per_function > 0)[:, None], table, 0)
        totals = zip(form.values(name), table.sum(axis=0), strict=True)
        dimensions[name] = {v: float(n) for v, n in totals if v != NONE and n}
        affinity[f"{FUNCTION}.{name}"] = {
            function: {
                v: float(n)
                for v, n in zip(form.values(name), line, strict=True)
                if v in dimensions[name]
            }
            for function, line in zip(functions, table, strict=True)
            if form.dimensions[name][function] != (NONE,)
        }
        # A function has what its values sum to.
        applies = [form.dimensions[name][f] != (NONE,) for f in functions]
        per_function = np.where(applies, table.sum(axis=1), per_function)
    named, silent = enough(np.array([counts[PLACES][:-1].sum(), counts[PLACES][-1]]), min_count)
    middles = (np.arange(BINS) + 0.5) / BINS
    places = smooth_quantiles(counts[PLACES][:-1], middles, min_count) if (
        named >= ENOUGH * min_count
    ) else {0.0: 0.0, 1.0: 1.0}  # fmt: skip
    return Observed(
        declared.model_copy(
            update={
                "functions": dict(zip(functions, per_function.astype(float).tolist(), strict=True)),
                "dimensions": dimensions,
                "affinity": affinity,
                "locales": locales,
                "words": _lengths(counts[WORDS], form, min_count),
                "naming": round(float(named / (named + silent)), 6) if named + silent else None,
                "places": places,
            }
        ),
        other,
    )


def _lengths(counts: Counts, form: Shape, min_count: int) -> dict[str, dict[float, float]]:
    """Word counts at quantiles, by function."""
    sizes = np.arange(1, counts.shape[1] + 1, dtype=float)
    limits = np.array(form.limits)[:, None]
    lengths = np.where(sizes <= limits, counts, 0)  # noise knows no limit
    quantiles = {}
    for function, own, limit in zip(form.functions, lengths, form.limits, strict=True):
        pool = own if own.sum() >= ENOUGH * min_count else lengths.sum(axis=0)
        if pool.sum() < min_count:
            raise InputError(
                f"population: fewer than min_count {min_count} rows to take lengths from"
            )
        points = smooth_quantiles(pool, sizes, min_count)
        quantiles[function] = {level: min(round(mean), limit) for level, mean in points.items()}
    return {f: {level: float(n) for level, n in points.items()} for f, points in quantiles.items()}


def _at_most(rows: int, min_count: int) -> int:
    """A count as it may be published: one below `min_count` reads `min_count`, 0 stays."""
    return max(rows, min_count) if rows else 0
