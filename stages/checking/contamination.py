"""Contamination: a candidate that coincides with a golden query must not be trained on.

The golden set is for scoring. Here it only takes candidates away and measures: nothing is made
from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stages.checking.words import normalized

# A shared run of this many words is taken for a copy.
RUN = 6


def runs(words: Sequence[str], size: int) -> set[tuple[str, ...]]:
    """All runs of `size` words."""
    return set(zip(*(words[i:] for i in range(size)), strict=False))


class Golden:
    """The golden queries, ready to be compared with."""

    def __init__(self, queries: Iterable[str]) -> None:
        self.queries = {normalized(query) for query in queries}
        split = [query.split() for query in self.queries]
        longest = max(map(len, split), default=0)
        # runs[n - 1]: the runs of n words; the last, of words that no query has, is empty.
        self.runs: list[set[tuple[str, ...]]] = [
            set().union(*(runs(words, n) for words in split)) for n in range(1, longest + 2)
        ]

    def longest_run(self, query: str) -> int:
        """Words of the longest run that `query` shares with a golden query, without case and
        punctuation."""
        words = normalized(query).split()
        # A run of n + 1 words holds runs of n words: the first size without a match ends it.
        return next(n for n, known in enumerate(self.runs) if not runs(words, n + 1) & known)

    def reason(self, query: str) -> str | None:
        """Why `query` must not be in the dataset, or None."""
        if normalized(query) in self.queries:
            return "is a golden query"
        if self.longest_run(query) >= RUN:
            return f"shares {RUN} words in a row with a golden query"
        return None
