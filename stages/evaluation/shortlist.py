"""Which functions a query is shown of a catalogue with more than fit: the nearest by meaning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from stages.core.catalogue import Catalogue
from stages.evaluation.similarity import Encode

# Queries of the dataset that stand for a function, at most.
EXAMPLES = 60


def examples(functions: Sequence[str], queries: Sequence[str]) -> dict[str, list[str]]:
    """Of each function the first EXAMPLES queries that want it."""
    by_function: dict[str, list[str]] = defaultdict(list)
    for function, query in zip(functions, queries, strict=True):
        if len(by_function[function]) < EXAMPLES:
            by_function[function].append(query)
    return by_function


def described(catalogue: Catalogue) -> list[str]:
    """Each function as the embedder is given it: its name as words, and what it does."""
    return [
        f"{' '.join(f.name.replace('.', '_').replace('-', '_').split('_'))}: {f.description}"
        for f in catalogue.functions
    ]


def shortlist(
    queries: Sequence[str], catalogue: Catalogue, most: int, embedder: Callable[[], Encode],
    example_queries: Mapping[str, Sequence[str]] | None = None,
) -> list[tuple[str, ...]]:  # fmt: skip
    """For each query the names of the functions to show: all of them, in the catalogue's order, or
    the `most` nearest, the nearest first. `embedder` loads the model, where it is needed.

    A function is as near as the nearest of what stands for it, by the cosine of the embeddings: its
    description and, of `example_queries`, those that want it.
    """
    names = catalogue.names
    if len(names) <= most:
        return [names] * len(queries)
    encode = embedder()
    asked = encode(list(queries))
    likeness = asked @ encode(described(catalogue)).T
    for column, name in enumerate(names):
        if own := list((example_queries or {}).get(name, ())):
            nearest = (asked @ encode(own).T).max(axis=1)
            likeness[:, column] = np.maximum(likeness[:, column], nearest)
    first = np.argsort(-likeness, axis=1, kind="stable")[:, :most]
    return [tuple(names[n] for n in row) for row in first]


def recall(shown: Sequence[tuple[str, ...]], wanted: Sequence[Sequence[str]]) -> float | None:
    """Share of the rows with expected functions to which all of these are shown."""
    rows = [set(names) <= set(have) for have, names in zip(shown, wanted, strict=True) if names]
    return sum(rows) / len(rows) if rows else None
