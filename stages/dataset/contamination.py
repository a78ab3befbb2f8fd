"""Contamination: a candidate that coincides with a golden query must not be trained on.

The golden set is for scoring. Here it only takes candidates away and measures: nothing is made
from it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.checks.words import normalized

Ints = NDArray[np.int64]
# A shared run of this many words counts as a copy.
RUN = 6
UNKNOWN = -1


class Golden:
    """The golden queries, ready to be compared with."""

    def __init__(self, queries: Iterable[str]) -> None:
        texts = pl.Series([normalized(query) for query in queries], dtype=pl.String)
        self.texts = texts.unique(maintain_order=True)
        words = self.texts.str.split(" ").explode(empty_as_null=True).unique(maintain_order=True)
        self.words = {word: number for number, word in enumerate(words.filter(words != ""))}
        # runs[n - 1]: the codes of the golden runs of n words, ascending; see `_longest`.
        self.runs: list[Ints] = []
        self._longest(self.texts, learn=True)

    def longest_runs(self, texts: pl.Series) -> Ints:
        """Words of the longest run that each text shares with a golden query, shape (texts,).

        texts: normalized.
        """
        return self._longest(texts, learn=False)

    def _longest(self, texts: pl.Series, learn: bool) -> Ints:
        """The same; with `learn` all runs in `texts` count as golden and are stored in `runs`.

        The code of a run of one word is the number of the word; of a longer one p * words + w: p is
        the position in runs[n - 2] of its first n - 1 words and w the number of its last.
        """
        split = texts.str.split(" ")
        row = np.repeat(np.arange(len(texts)), split.list.len().to_numpy())
        every = split.explode(empty_as_null=True)
        numbers = every.replace_strict(self.words, default=UNKNOWN, return_dtype=pl.Int64)
        word = numbers.to_numpy()
        start = np.flatnonzero(word != UNKNOWN)  # where a run begins whose n - 1 words are golden
        code = word[start]
        longest = np.zeros(len(texts), np.int64)
        n = 1
        while len(code) and (learn or n <= len(self.runs)):
            if learn:
                self.runs.append(np.unique(code))
            runs = self.runs[n - 1]
            position = np.minimum(np.searchsorted(runs, code), len(runs) - 1)
            golden = runs[position] == code
            start, position = start[golden], position[golden]
            longest[row[start]] = n
            goes_on = start + n < len(word)
            start, position = start[goes_on], position[goes_on]
            goes_on = (row[start + n] == row[start]) & (word[start + n] != UNKNOWN)
            start, position = start[goes_on], position[goes_on]
            code, n = position * len(self.words) + word[start + n], n + 1
        return longest

    def reasons(self, texts: pl.Series) -> pl.Series:
        """Why each text must not be in the dataset, or null. texts: normalized."""
        copied = pl.Series(self.longest_runs(texts) >= RUN)
        return pl.select(
            pl.when(texts.is_in(self.texts.implode()))
            .then(pl.lit("is a golden query"))
            .when(copied)
            .then(pl.lit(f"shares {RUN} words in a row with a golden query"))
        ).to_series()
