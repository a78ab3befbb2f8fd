"""Runs of words that texts share with others, such as queries that only score."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.core.text import normalized

Ints = NDArray[np.int64]
# A shared run of this many words counts as a copy.
RUN = 6
UNKNOWN = -1


class Runs:
    """Known texts, ready to be compared with."""

    def __init__(self, known: Iterable[str]) -> None:
        texts = pl.Series([normalized(text) for text in known], dtype=pl.String)
        self.texts = texts.unique(maintain_order=True)
        words = self.texts.str.split(" ").explode(empty_as_null=True).unique(maintain_order=True)
        self.words = {word: number for number, word in enumerate(words.filter(words != ""))}
        # runs[n - 1]: the codes of the known runs of n words, ascending; see `_longest`.
        self.runs: list[Ints] = []
        self._longest(self.texts, learn=True)

    def longest_runs(self, texts: pl.Series) -> Ints:
        """Words of the longest run that each text shares with a known one, shape (texts,).

        texts: normalized.
        """
        return self._longest(texts, learn=False)

    def _longest(self, texts: pl.Series, learn: bool) -> Ints:
        """The same; with `learn` all runs in `texts` become known and are stored in `runs`.

        The code of a run of one word is the number of the word; of a longer one p * words + w: p is
        the position in runs[n - 2] of its first n - 1 words and w the number of its last.
        """
        split = texts.str.split(" ")
        row = np.repeat(np.arange(len(texts)), split.list.len().to_numpy())
        every = split.explode(empty_as_null=True)
        numbers = every.replace_strict(self.words, default=UNKNOWN, return_dtype=pl.Int64)
        word = numbers.to_numpy()
        start = np.flatnonzero(word != UNKNOWN)  # where a run begins whose n - 1 words are known
        code = word[start]
        longest = np.zeros(len(texts), np.int64)
        n = 1
        while len(code) and (learn or n <= len(self.runs)):
            if learn:
                self.runs.append(np.unique(code))
            runs = self.runs[n - 1]
            position = np.minimum(np.searchsorted(runs, code), len(runs) - 1)
            is_known = runs[position] == code
            start, position = start[is_known], position[is_known]
            longest[row[start]] = n
            goes_on = start + n < len(word)
            start, position = start[goes_on], position[goes_on]
            goes_on = (row[start + n] == row[start]) & (word[start + n] != UNKNOWN)
            start, position = start[goes_on], position[goes_on]
            code, n = position * len(self.words) + word[start + n], n + 1
        return longest
