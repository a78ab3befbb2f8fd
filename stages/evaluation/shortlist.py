"""Which functions a query is shown of a catalogue with more than fit: the nearest by meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from stages.core.catalogue import Catalogue
from stages.evaluation.similarity import Encode


def described(catalogue: Catalogue) -> list[str]:
    """Each function as the embedder is given it: its name as words, and what it does."""
    return [
        f"{' '.join(f.name.replace('.', '_').replace('-', '_').split('_'))}: {f.description}"
        for f in catalogue.functions
    ]


def shortlist(
    queries: Sequence[str], catalogue: Catalogue, most: int, embedder: Callable[[], Encode]
) -> list[tuple[str, ...]]:
    """For each query the names of the functions to show, in the catalogue's order: all of them, or
    the `most` nearest by the cosine of the embeddings. `embedder` loads the model, where it is
    needed.
    """
    names = catalogue.names
    if len(names) <= most:
        return [names] * len(queries)
    encode = embedder()
    likeness = encode(list(queries)) @ encode(described(catalogue)).T
    nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :most]
    return [tuple(names[n] for n in sorted(row)) for row in nearest]


def recall(shown: Sequence[tuple[str, ...]], wanted: Sequence[Sequence[str]]) -> float | None:
    """Share of the rows with expected functions to which all of these are shown."""
    rows = [set(names) <= set(have) for have, names in zip(shown, wanted, strict=True) if names]
    return sum(rows) / len(rows) if rows else None
