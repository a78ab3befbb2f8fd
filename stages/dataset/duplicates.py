"""Duplicates: the same query twice, or almost.

Near-duplicates are found with MinHash and locality-sensitive hashing (Broder 1997; Leskovec,
Rajaraman, Ullman, *Mining of Massive Datasets*, chapter 3) and then confirmed with the true Jaccard
similarity of their 3-letter shingles, so the sketch can only miss a pair, never invent one. The
remaining rows are then compared pair by pair, up to EXACT rows: no two of them are near-duplicates.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from math import comb
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from rensa import RMinHashDigestMatrix
    from scipy import sparse

SHINGLE = 3
HASHES = 64
# Minimum probability that the sketches find a pair that is exactly as similar as the threshold.
RECALL = 0.99
# Probability that such a pair shares too few hashes to be compared: see `min_equal`.
MISSED = 1e-3
# In a bucket each row meets this many rows before it; larger buckets are cut to bound the work.
WINDOW = 64
# Rows of which all pairs are compared, once the sketches have found most of what repeats another.
EXACT = 20_000
_BLOCK = 128
_CHUNK = 1 << 16
_ROWS = 1 << 11


def exact(texts: pl.Series) -> np.ndarray:
    """Mask of rows whose text occurs in an earlier row. texts: normalized, in priority order."""
    return ~texts.is_first_distinct().to_numpy()


def shingles(texts: pl.Series) -> sparse.csr_array:
    """Rows x shingles, 1 where the text holds the shingle; shorter texts are padded to one."""
    return _once(_counted(texts))


def _counted(texts: pl.Series) -> sparse.csr_array:
    """The same with a 1 for each occurrence of a shingle in the text."""
    from scipy import sparse

    padded = texts.str.pad_end(SHINGLE, " ")
    lengths = padded.str.len_chars().to_numpy().astype(np.int64)
    joined = "".join(padded.to_list())
    order = "le" if sys.byteorder == "little" else "be"
    coding, width = ("ascii", np.uint8) if joined.isascii() else (f"utf-32-{order}", np.uint32)
    letters = np.frombuffer(joined.encode(coding), width)
    used = np.zeros(sys.maxunicode + 1, bool)
    used[letters] = True
    size = int(used.sum())
    small = np.int32 if size**SHINGLE < 2**31 else np.int64
    codes = (np.cumsum(used) - 1).astype(np.min_scalar_type(size))[letters]
    ids = codes[:-2].astype(small)
    ids *= size
    ids += codes[1:-1]
    ids *= size
    ids += codes[2:]
    # A shingle that starts in one text and ends in the next belongs to neither.
    ends = np.cumsum(lengths)
    whole = np.ones(len(codes), bool)
    whole[ends - 1] = whole[ends - 2] = False
    ids = ids[whole[: len(ids)]]
    pointers = np.concatenate([[0], np.cumsum(lengths - SHINGLE + 1)])
    if len(ids) < 2**31:  # scipy would make both of the larger type
        pointers = pointers.astype(ids.dtype)
    shape = (len(texts), size**SHINGLE)
    return sparse.csr_array((np.ones(len(ids), np.int8), ids, pointers), shape=shape)


def _once(table: sparse.csr_array) -> sparse.csr_array:
    """`table`, changed in place to hold each shingle of a row once, as 1."""
    table.sum_duplicates()
    table.data[:] = 1
    return table


def bands(
    threshold: float, hashes: int = HASHES, recall: float = RECALL + MISSED
) -> tuple[int, int]:
    """(bands, rows per band): most rows, so fewest candidates, with 1 - (1 - t^r)^b >= recall."""
    for rows in range(hashes, 0, -1):
        count = hashes // rows
        if 1 - (1 - threshold**rows) ** count >= recall:
            return count, rows
    return hashes, 1


def min_equal(threshold: float, hashes: int, missed: float = MISSED) -> int:
    """How many of their MinHashes two sketches must share: a pair as similar as the threshold
    shares fewer with probability `missed` at most, the number being binomial.
    """
    below = 0.0
    for equal in range(hashes + 1):
        below += comb(hashes, equal) * threshold**equal * (1 - threshold) ** (hashes - equal)
        if below > missed:
            return equal
    return hashes


def _mixed(values: np.ndarray) -> np.ndarray:
    """SplitMix64's finalizer: spreads small integers over 64 bits."""
    mixed = values.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def jaccard(table: sparse.csr_array, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Jaccard similarity of the shingle sets of rows left[k] and right[k], shape (k,)."""
    sizes = np.diff(table.indptr)
    shared = np.empty(len(left))
    for start in range(0, len(left), _CHUNK):
        part = slice(start, start + _CHUNK)
        shared[part] = table[left[part]].multiply(table[right[part]]).sum(axis=1)
    return shared / np.maximum(sizes[left] + sizes[right] - shared, 1)


def sketches(table: sparse.csr_array, hashes: int, seed: int) -> np.ndarray:
    """MinHash digests of the rows' shingles, shape (rows, hashes), 32 bits each."""
    digests = np.empty((table.shape[0], hashes), np.uint32)
    tokens = _tokens(table)
    for start in range(0, len(digests), _ROWS):  # to_rows makes Python lists: a few rows at a time
        ends = table.indptr[start : start + _ROWS + 1]
        part = _sketched(tokens[ends[0] : ends[-1]], ends - ends[0], hashes, seed)
        digests[start : start + _ROWS] = part.to_rows()
    return digests


def _tokens(table: sparse.csr_array) -> np.ndarray:
    """The hash of each shingle in the rows, shape (nnz,)."""
    if table.shape[1] < table.nnz:
        return _mixed(np.arange(table.shape[1]))[table.indices]
    return _mixed(table.indices)


def _sketched(tokens: np.ndarray, ends: np.ndarray, hashes: int, seed: int) -> RMinHashDigestMatrix:
    """The digests as rensa keeps them; row i has tokens[ends[i] : ends[i + 1]]."""
    from rensa import RMinHash

    return RMinHash.digest_matrix_from_flat_token_hashes(
        tokens, ends.astype(np.uint64), hashes, seed
    )


def accompanied(table: sparse.csr_array, threshold: float, seed: int) -> np.ndarray:
    """Numbers of the rows that share a bucket with another row, ascending."""
    from rensa import RMinHashLSH

    count, rows = bands(threshold)
    index = RMinHashLSH(threshold, count * rows, count)
    matrix = _sketched(_tokens(table), table.indptr, count * rows, seed)
    return np.flatnonzero(index.query_duplicate_flags_matrix_one_shot(matrix))


def near_pairs(texts: pl.Series, threshold: float, seed: int = 0) -> np.ndarray:
    """Pairs (i, j), i < j, of rows with Jaccard similarity >= threshold, shape (pairs, 2).

    texts: normalized. Every pair that shares a bucket of at most WINDOW rows is compared.
    """
    if len(texts) < 2:
        return np.empty((0, 2), np.int64)
    table = _counted(texts)
    # Most rows are alone in all their buckets: rensa finds the others, and only they are compared.
    numbers = accompanied(table, threshold, seed)
    table = _once(table[numbers])
    count, rows = bands(threshold)
    digests = sketches(table, count * rows, seed)
    minimum = min_equal(threshold, count * rows)
    short = digests.astype(np.uint8)  # equal where the digests are, and seldom elsewhere
    sizes = np.diff(table.indptr)

    def candidates(band: int) -> np.ndarray:
        """Pairs i * len(numbers) + j that share a bucket in this band and may be that similar."""
        codes = [np.empty(0, np.int64)]
        for left, right in _buckets(digests[:, band * rows : (band + 1) * rows]):
            # Sets whose sizes differ more than the threshold allows cannot be that similar.
            one, other = sizes[left], sizes[right]
            fit = np.minimum(one, other) >= threshold * np.maximum(one, other)
            left, right = left[fit], right[fit]
            alike = (short[left] == short[right]).sum(axis=1, dtype=np.uint8) >= minimum
            codes.append(left[alike] * len(numbers) + right[alike])
        return np.concatenate(codes)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        pairs = np.unique(np.concatenate(list(threads.map(candidates, range(count)))))
    left, right = np.divmod(pairs, max(len(numbers), 1))
    near = jaccard(table, left, right) >= threshold
    return numbers[np.stack([left[near], right[near]], axis=1)]


def _buckets(digests: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows that have the same digests, in arrays of pairs i < j, at most WINDOW for each j."""
    size = len(digests)
    key = np.zeros(size, np.uint64)
    for column in digests.T:
        key = _mixed(key * np.uint64(0x9E3779B97F4A7C15) + column)
    order = np.argsort(key, kind="stable")
    key = key[order]
    same = np.arange(size)  # the positions whose key occurs again `distance` further
    for distance in range(1, min(WINDOW, size - 1) + 1):
        same = same[: np.searchsorted(same, size - distance)]
        same = same[key[same] == key[same + distance]]
        if not len(same):
            return
        yield order[same], order[same + distance]


def near(texts: pl.Series, threshold: float, seed: int = 0) -> np.ndarray:
    """For each row the earlier remaining row that it nearly repeats, else -1; shape (rows,).

    texts: normalized, without exact duplicates, in priority order. A row remains if no remaining
    row before it is as similar as the threshold. Exact if at most EXACT rows pass the sketches;
    of more a pair remains where they miss it (RECALL) or where a bucket was cut (WINDOW).
    """
    pairs = near_pairs(texts, threshold, seed)
    of = first_remaining(texts, pairs, threshold)
    while 1 < (of < 0).sum() <= EXACT:
        remaining = np.flatnonzero(of < 0)
        missed = remaining[all_pairs(shingles(texts.gather(remaining)), threshold)]
        if not len(missed):
            break
        pairs = np.concatenate([pairs, missed])
        of = first_remaining(texts, pairs, threshold)
    return of


def first_remaining(texts: pl.Series, pairs: np.ndarray, threshold: float) -> np.ndarray:
    """For each row the first remaining row that it is near, after `pairs` (i, j), i < j; else -1.

    A row whose neighbors do not remain is mostly near what they are near; that is compared too,
    for of many rows that are all alike the pairs list only a few.
    """
    of = np.full(len(texts), -1, np.int64)
    left, right = pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))].T
    rows, starts = np.unique(right, return_index=True)
    ends = np.append(starts, len(right))[1:]
    for row, start, end in zip(rows, starts, ends, strict=True):
        neighbors = left[start:end]
        remaining = neighbors[of[neighbors] < 0]
        if len(remaining):
            of[row] = remaining[0]
            continue
        own = _shingles(texts[int(row)])
        for other in np.unique(of[neighbors]):
            theirs = _shingles(texts[int(other)])
            shared = len(own & theirs)
            if shared / (len(own) + len(theirs) - shared) >= threshold:
                of[row] = other
                break
    return of


@lru_cache(1024)
def _shingles(text: str) -> frozenset[str]:
    padded = text.ljust(SHINGLE)
    return frozenset(padded[i : i + SHINGLE] for i in range(len(padded) - SHINGLE + 1))


def all_pairs(table: sparse.csr_array, threshold: float) -> np.ndarray:
    """All pairs (i, j), i < j, of rows with Jaccard similarity >= threshold, shape (pairs, 2).

    Each pair is examined, but its sets are compared only if their signatures allow it: a signature
    has a bit for each hash of a shingle, set where an odd number of the row's fall, so the bits in
    which two differ are no more than the shingles in which their rows do (Sandes et al. 2018).
    """
    sizes = np.diff(table.indptr)
    order = np.argsort(sizes, kind="stable")
    ascending = sizes[order]
    bits = _signatures(table[order], int(ascending[-1]) if len(ascending) else 0)
    share = (1 - threshold) / (1 + threshold)  # of both sizes' sum, what the two sets may differ in

    half = bits[:, : bits.shape[1] // 2]

    def block(start: int) -> np.ndarray:
        """The pairs of a block of rows with all that are smaller, shape (pairs, 2)."""
        end = min(start + _BLOCK, len(order))
        first = int(np.searchsorted(ascending, threshold * ascending[start] - 1e-9))
        # Most fail in the first half of the bits, with the largest number that any may differ in.
        limit = share * (ascending[end - 1] + ascending[first:end]) + 1e-9
        differ = _differ(half[start:end, None], half[None, first:end])
        bound = np.minimum(limit, np.iinfo(differ.dtype).max).astype(differ.dtype)
        right, left = np.nonzero(differ <= bound)
        right, left = right + start, left + first
        possible = (
            _differ(bits[right], bits[left]) <= share * (ascending[right] + ascending[left]) + 1e-9
        )
        possible &= left < right
        return np.sort(np.stack([order[left[possible]], order[right[possible]]], axis=1), axis=1)

    starts = range(0, len(order), _BLOCK)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        blocks = [np.empty((0, 2), np.int64), *threads.map(block, starts)]
    pairs = np.concatenate(blocks)
    return pairs[jaccard(table, pairs[:, 0], pairs[:, 1]) >= threshold]


def _differ(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """In how many bits of their last axis two arrays of signatures differ."""
    kind = np.uint8 if one.shape[-1] < 4 else np.uint16
    differ = np.bitwise_count(one[..., 0] ^ other[..., 0]).astype(kind)
    for word in range(1, one.shape[-1]):
        differ += np.bitwise_count(one[..., word] ^ other[..., word])
    return differ


def _signatures(table: sparse.csr_array, largest: int) -> np.ndarray:
    """The rows' signatures, for sets of at most `largest`, shape (rows, words of 64 bits)."""
    words = max(2, -(-largest // 64))
    hashed = _mixed(table.indices)
    rows = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
    bits = np.zeros((table.shape[0], words), np.uint64)
    word = ((hashed >> np.uint64(6)) % np.uint64(words)).astype(np.int64)
    np.bitwise_xor.at(bits, (rows, word), np.uint64(1) << (hashed & np.uint64(63)))
    return bits
