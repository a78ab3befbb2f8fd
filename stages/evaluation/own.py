"""Scores that a pack names itself: the accuracy of one argument, or the similarity of its texts.

A row's score is that of its expected calls, in the mean; a call that was not made has 0. Rows for
which no call is right have none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stages.core.golden_rows import ABSENT
from stages.evaluation.answered import Answered
from stages.evaluation.similarity import Encode, cosine
from stages.evaluation.values import is_accepted

ACCURACY, SIMILARITY = "accuracy", "similarity"
Floats = NDArray[np.float64]
# Name of a score -> {accuracy or similarity: argument}, as pack.yaml has it.
Named = Mapping[str, Mapping[str, str]]


def pairs(row: Answered, argument: str) -> list[tuple[list[object], object]]:
    """For each expected call with the argument its accepted values, and the value that was given:
    by the call that stands for it, else by one that nothing expects; None where there is none.
    """
    if row.golden.act != "call":
        return []
    spare = [m.call for m in row.matches if m.expected is None and m.call is not None]
    paired = []
    for one in row.matches:
        if one.expected is None or argument not in one.expected.arguments:
            continue
        call = one.call or (spare.pop(0) if spare else None)
        given = None if call is None else call.arguments.get(argument)
        paired.append((one.expected.arguments[argument], given))
    return paired


def accuracy(rows: Sequence[Answered], argument: str) -> Floats:
    """Share of the expected calls whose argument is right, shape (rows,); NaN without such."""
    return _means(
        [
            [
                float(given is not None and is_accepted(given, accepted))
                for accepted, given in row_pairs
            ]
            for row_pairs in (pairs(row, argument) for row in rows)
        ]
    )


def similarity(
    rows: Sequence[Answered], argument: str, encode: Encode, counts: Counter[str] | None = None
) -> Floats:
    """Cosine of the sentence embeddings of the argument's text and the nearest that is accepted,
    -1 to 1, shape (rows,); NaN without expected calls that have it. counts: see
    `similarity.cosine`.
    """
    places: list[tuple[int, int]] = []
    expected: list[str] = []
    predicted: list[str | None] = []
    sizes = []
    for number, row in enumerate(rows):
        row_pairs = pairs(row, argument)
        sizes.append(len(row_pairs))
        for at, (accepted, given) in enumerate(row_pairs):
            for one in accepted:
                if one == ABSENT:
                    continue
                places.append((number, at))
                expected.append(str(one))
                predicted.append(None if given is None else str(given))
    best: list[list[float]] = [[-1.0] * size for size in sizes]
    values = cosine(expected, predicted, encode, counts)
    for (number, at), value in zip(places, values, strict=True):
        best[number][at] = max(best[number][at], float(value))
    return _means(best)


def _means(rows: Sequence[Sequence[float]]) -> Floats:
    return np.array([float(np.mean(one)) if len(one) else np.nan for one in rows])


def scores(
    rows: Sequence[Answered], named: Named, encode: Callable[[], Encode],
    counts: Counter[str] | None = None,
) -> dict[str, Floats]:  # fmt: skip
    """Name -> the rows' values, shape (rows,), NaN where a row has none. encode: loads the model,
    where it is needed.
    """
    by_name = {}
    for name, of in named.items():
        ((kind, argument),) = of.items()
        by_name[name] = (
            accuracy(rows, argument)
            if kind == ACCURACY
            else similarity(rows, argument, encode(), counts)
        )
    return by_name
