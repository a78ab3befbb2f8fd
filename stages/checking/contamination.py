"""Contamination: a candidate that coincides with a golden query must not be trained on.

The golden set is for scoring. Here it only takes candidates away: nothing is made from it.
"""

from __future__ import annotations

from collections.abc import Iterable

from stages.checking.words import normalized

# A shared run of this many words is taken for a copy.
RUN = 6


def runs(query: str) -> set[tuple[str, ...]]:
    """All runs of RUN words of a query, without case and punctuation."""
    words = normalized(query).split()
    return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}


class Golden:
    """The golden queries, ready to be compared with."""

    def __init__(self, queries: Iterable[str]) -> None:
        self.queries = {normalized(query) for query in queries}
        self.runs: set[tuple[str, ...]] = set().union(*map(runs, self.queries))

    def reason(self, query: str) -> str | None:
        """Why `query` must not be in the dataset, or None."""
        if normalized(query) in self.queries:
            return "is a golden query"
        if runs(query) & self.runs:
            return f"shares {RUN} words in a row with a golden query"
        return None
