"""A table of observed queries to a target: only aggregates leave, and only of enough rows.

The protected unit is one row. Each row adds one to one bin of each histogram:

    joint      function x content type; one more bin a function for queries without a word or with
               more words than the function's max_words, which count nowhere else
    words      function x number of words
    positions  where the type's word stands, in 20 bins, and one bin for "not named"; only rows
               whose content type has a word
    locales    only if the table has a locale column and the domain more than one locale; a row
               without one is of the domain's first

With `epsilon`, Laplace noise goes on every bin of every histogram, empty bins too: adding or
removing one row changes one bin of each of the k histograms by 1, so noise of scale k / epsilon
gives epsilon-differential privacy for all of them together (Dwork et al. 2006; sequential
composition over histograms, parallel within one). Noise is rounded to whole numbers and negative
counts become 0. All that follows reads the histograms alone.

With or without noise, no published figure rests on fewer than `min_count` rows:

    cells      those under min_count become "other": their rows and number are told in one sum, and
               the other cells' shares are renormalized. A sum under min_count reads min_count.
    locales, named or not    parts under min_count count as 0
    quantiles  the mean of the min_count rows around the rank, never a single row: the quantile 1
               is the mean of the min_count largest. A function with fewer than 10 x min_count rows
               takes the quantiles of all functions, cut at its max_words; positions with fewer
               are uniform.

The noise is drawn from the operating system's entropy, not from the params' seed: whoever knows a
seed can subtract its noise. So a second run gives other numbers and spends epsilon again; what DVC
cached is the record. ROUTENATOR_NOISE_SEED fixes the draw, for tests on data that is no secret.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.text import composed
from stages.planning.targets import UNIFORM, Floats, Quantiles, Target

Counts = NDArray[np.int64]
# The number of words of a query, and the position (0 to 1) of the word for its content type.
Look = Callable[[str, str], tuple[int, float | None]]

COLUMNS = ("query", "function", "content_type")
READERS = {
    ".csv": "read_csv(?, header=true, all_varchar=true, delim=',', quote='\"', escape='\"', "
    "comment='')",
    ".parquet": "read_parquet(?)",
    ".jsonl": "read_json(?, format='newline_delimited', sample_size=-1)",
}
LEVELS = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
BINS = 20
ENOUGH = 10  # times min_count: the rows around the quantiles 0, 0.1, 0.25 ... then are others


def rows(path: Path) -> Iterator[tuple[str | None, ...]]:
    """query, function, content_type and, if the table has it, locale of each row.

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
            found = {row[0].lower() for row in described.fetchall()}
            missing = [name for name in COLUMNS if name not in found]
            if missing:
                raise InputError(f"{path} lacks the column(s) {missing}")
            names = [*COLUMNS, *({"locale"} & found)]
            chosen = ", ".join(f"CAST({name} AS VARCHAR)" for name in names)
            result = connection.execute(f"SELECT {chosen} FROM {call}", [str(path)])
            while batch := result.fetchmany(10_000):
                yield from batch
    except duckdb.Error as error:
        raise InputError(
            f"{path} is not readable ({type(error).__name__}): check its quotes, its columns and "
            "that it is UTF-8 (the reader's message is withheld, it may quote a query)"
        ) from None


def count(path: Path, domain: Domain, look: Look, min_count: int) -> dict[str, Counts]:
    """The exact histograms of a table, by name; the module's docstring says what each holds.

    Shapes: joint (F, T + 1), words (F, longest max_words), positions (BINS + 1,), locales (L,).
    """
    functions, types = [f.name for f in domain.functions], list(domain.content_types)
    limits = [f.max_words for f in domain.functions]
    allowed = {"function": functions, "content_type": types, "locale": domain.locales}
    counts = {
        "joint": np.zeros((len(functions), len(types) + 1), np.int64),
        "words": np.zeros((len(functions), max(limits)), np.int64),
        "positions": np.zeros(BINS + 1, np.int64),
    }
    unknown: Counter[tuple[str, str | None]] = Counter()
    first = domain.locales[0]
    for query, *labels in rows(path):
        if len(labels) == 3 and len(domain.locales) > 1:
            counts.setdefault("locales", np.zeros(len(domain.locales), np.int64))
        function, kind, locale = [label and composed(label) for label in [*labels, None][:3]]
        row = {"function": function, "content_type": kind, "locale": locale or first}
        if wrong := [(n, value) for n, value in row.items() if value not in allowed[n]]:
            unknown[wrong[0]] += 1
            continue
        i, j = functions.index(str(function)), types.index(str(kind))
        size, position = look(query or "", types[j])
        if not 1 <= size <= limits[i]:
            counts["joint"][i, -1] += 1
            continue
        counts["joint"][i, j] += 1
        counts["words"][i, size - 1] += 1
        if domain.content_types[types[j]].words:
            place = BINS if position is None else min(int(position * BINS), BINS - 1)
            counts["positions"][place] += 1
        if "locales" in counts:
            counts["locales"][domain.locales.index(locale or first)] += 1
    if unknown:
        (column, value), most = unknown.most_common(1)[0]
        # In a table whose columns are shifted, a label may be a query.
        shown = repr(value) if most >= min_count or value is None else "(withheld, too few rows)"
        raise InputError(
            f"{path}: {unknown.total()} rows have labels that domain.yaml does not know, most "
            f"often the {column} {shown}; it knows {allowed[column]}"
        )
    if not counts["joint"].any():
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
    found = {}
    for name, table in counts.items():
        noisy = np.rint(table + random.laplace(0, scale, table.shape))
        found[name] = np.clip(noisy, 0, 2**40).astype(np.int64)  # a tiny epsilon must not overflow
    return found


def enough(counts: Counts, least: int) -> Counts:
    """`counts` with those under `least` set to 0."""
    return np.where(counts < least, 0, counts)


def smooth_quantiles(counts: Counts, values: Floats, least: int) -> Quantiles:
    """Quantiles of a histogram, each the mean of the `least` rows around its rank.

    counts, values: (B,), values ascending. Needs `least` rows or more.
    """
    ranks = np.concatenate([[0], np.cumsum(counts)]).astype(float)
    sums = np.concatenate([[0], np.cumsum(counts * values)])
    first = np.clip(np.array(LEVELS) * ranks[-1] - least / 2, 0, ranks[-1] - least)
    means = (np.interp(first + least, ranks, sums) - np.interp(first, ranks, sums)) / least
    # Rounding, so that sums of floats cannot make quantiles fall.
    return {level: round(float(mean), 6) for level, mean in zip(LEVELS, means, strict=True)}


def target(
    counts: dict[str, Counts], domain: Domain, least: int, epsilon: float | None = None
) -> Target:
    """The target from histograms, noised or not; `least` is min_count."""
    if epsilon is not None:
        counts = noised(counts, epsilon, entropy())
    cells = counts["joint"][:, :-1]
    kept = enough(cells, least)
    if not kept.any():
        raise InputError(
            f"population: no function x content type has min_count {least} rows"
            f"{' after the noise' if epsilon else ''}: lower population.min_count or give more rows"
        )
    other = {
        "rows": _at_most(int((cells - kept).sum()), least),
        "cells": int(((cells > 0) & (kept == 0)).sum()),
        "unfit_rows": _at_most(int(counts["joint"][:, -1].sum()), least),
    }
    sizes = np.arange(1, counts["words"].shape[1] + 1, dtype=float)
    limits = np.array([[function.max_words] for function in domain.functions])
    lengths = np.where(sizes <= limits, counts["words"], 0)  # noise knows no limit
    words: dict[str, Quantiles] = {}
    for function, own in zip(domain.functions, lengths, strict=True):
        pool = own if own.sum() >= ENOUGH * least else lengths.sum(axis=0)
        if pool.sum() < least:
            raise InputError(f"population: fewer than min_count {least} rows to take lengths from")
        points = smooth_quantiles(pool, sizes, least)
        words[function.name] = {
            level: min(round(mean), function.max_words) for level, mean in points.items()
        }
    named, silent = enough(
        np.array([counts["positions"][:-1].sum(), counts["positions"][-1]]), least
    )
    places = counts["positions"][:-1]
    middles = (np.arange(BINS) + 0.5) / BINS
    locales = np.eye(1, len(domain.locales))[0]
    if "locales" in counts:
        locales = enough(counts["locales"], least).astype(float)
        if not locales.any():
            raise InputError(f"population: no locale has min_count {least} rows")
    return Target(
        kept / kept.sum(),
        words,
        locales / locales.sum(),
        round(float(named / (named + silent)), 6) if named + silent else None,
        smooth_quantiles(places, middles, least) if named >= ENOUGH * least else dict(UNIFORM),
        other,
        epsilon,
    )


def _at_most(rows: int, least: int) -> int:
    """A count as it may be told: one below `least` reads `least`, 0 stays."""
    return max(rows, least) if rows else 0
