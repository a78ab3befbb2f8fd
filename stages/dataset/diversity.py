"""How varied the queries are: distinct-n, self-BLEU, and the near-duplicates that remain."""

from __future__ import annotations

from collections import Counter
from math import ceil, log

import numpy as np
import polars as pl

from stages.checks.words import words
from stages.dataset.columns import split
from stages.dataset.duplicates import jaccard, shingles

# Queries that self-BLEU is computed from; with fewer its value falls, so it is always this many.
SAMPLE = 200
# Number of matches that an order without any gets (Chen and Cherry 2014, method 1).
EPSILON = 0.1
# `near_left` compares all pairs while there are this many, else at least _MIN_ROWS rows with all.
_PAIRS, _MIN_ROWS = 10_000_000, 1000
# Of its rarest shingles, those that a near-duplicate shares at least.
_SHARED = 3


def sample(queries: pl.Series, size: int, seed: int) -> pl.Series:
    """At most `size` of the queries, without repetition, in their order."""
    if len(queries) <= size:
        return queries
    return queries[np.sort(np.random.default_rng(seed).choice(len(queries), size, replace=False))]


def distinct(queries: pl.Series, longest: int = 3) -> dict[str, float]:
    """distinct-n: different n-grams over all n-grams, n = 1..longest (Li et al. 2016).

    Falls with the number of queries: compare sets of one size only.
    """
    rows = split(queries)
    sizes = rows.list.len().to_numpy().astype(np.int64)
    word = rows.explode(empty_as_null=False).cast(pl.Categorical).to_physical().cast(pl.Int64)
    different = int(word.max() or 0) + 1  # type: ignore[arg-type]
    ends = np.repeat(np.cumsum(sizes), sizes)
    left = ends - np.arange(len(ends))  # words from each to the end of its query
    figures, grams, starts = {}, word, np.arange(len(word))
    for n in range(1, longest + 1):
        if n > 1:  # n-grams that fit in their query: those of n - 1 words, renumbered, and a word
            fit = left[starts] >= n
            starts = starts[fit]
            shorter = grams.rank("dense").cast(pl.Int64).filter(pl.Series(fit))
            grams = shorter * different + word.gather(starts + n - 1)
        figures[f"distinct_{n}"] = round(grams.n_unique() / max(len(grams), 1), 4)
    return figures


def self_bleu(queries: pl.Series, order: int = 4) -> float | None:
    """Mean BLEU-4 of each query against all others, 0 (varied) to 1; None for fewer than two.

    BLEU after Papineni et al. 2002, against oneself after Texygen (Zhu et al. 2018). Orders longer
    than a query are left out of its mean; no common word at all gives 0.
    """
    rows = [row for row in map(words, queries) if row]
    if len(rows) < 2:
        return None
    logs, no_match = np.zeros(len(rows)), np.zeros(len(rows), bool)
    for n in range(1, order + 1):
        counts = [Counter(zip(*(row[i:] for i in range(n)), strict=False)) for row in rows]
        top: dict[tuple[str, ...], tuple[int, int]] = {}  # an n-gram's two largest counts
        for count in counts:
            for gram, times in count.items():
                first, second = top.get(gram, (0, 0))
                top[gram] = (max(first, times), max(second, min(first, times)))
        for i, (row, count) in enumerate(zip(rows, counts, strict=True)):
            if count:
                # The others' largest count is the second where this query holds the first.
                matches = sum(m if m < top[g][0] else top[g][1] for g, m in count.items())
                no_match[i] |= n == 1 and not matches
                logs[i] += log((matches or EPSILON) / count.total()) / min(order, len(row))
    lengths = Counter(map(len, rows))
    for i, row in enumerate(rows):
        own = len(row)
        closest = own if lengths[own] > 1 else min(
            (other for other in lengths if other != own), key=lambda n: (abs(n - own), n)
        )  # fmt: skip
        logs[i] += min(0.0, 1 - closest / own)  # brevity penalty
    return float(np.where(no_match, 0, np.exp(logs)).mean())


def near_left(texts: pl.Series, threshold: float, seed: int) -> float | None:
    """Share of the rows to which another is a near-duplicate; None without rows. Exact.

    Independent of the filter's sketches: the Jaccard similarity of the shingles of all pairs, or of
    a sample of rows with all others where there are too many. Only pairs of similar size are
    computed that share enough of a row's rarest shingles: no other can be that similar (prefix
    filtering, Bayardo et al. 2007; with more than one, Wang et al. 2012). texts: normalized.
    """
    if not len(texts):
        return None
    table = shingles(texts)
    codes = pl.Series(table.indices).rank("dense").to_numpy().astype(table.indices.dtype) - 1
    table.indices, rows = codes, np.bincount(codes)
    table.resize(len(texts), len(rows))
    columns, sizes = table.tocsc(), np.diff(table.indptr)
    size = min(len(texts), max(_MIN_ROWS, _PAIRS // len(texts)))
    left, right = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for i in np.random.default_rng(seed).choice(len(texts), size, replace=False):
        own = table.indices[table.indptr[i] : table.indptr[i + 1]]
        shared = ceil(threshold * len(own) - 1e-9)  # at least this many, in any near-duplicate
        unshared = len(own) - shared  # and at most this many are not shared
        rare = own[np.argsort(rows[own])][: unshared + _SHARED]
        lists = [columns.indices[columns.indptr[c] : columns.indptr[c + 1]] for c in rare]
        common = np.bincount(np.concatenate(lists), minlength=len(texts))
        common[i] = 0
        others = np.flatnonzero(common >= len(rare) - unshared)
        others = others[(sizes[others] >= shared) & (sizes[others] * threshold <= len(own) + 1e-9)]
        left.append(np.full(len(others), i))
        right.append(others)
    row = np.concatenate(left)
    return len(np.unique(row[jaccard(table, row, np.concatenate(right)) >= threshold])) / size
