"""F1 of the arguments where a call is to be made: 2 right / (given + expected).

Micro-averaged over all arguments (van Rijsbergen, Information Retrieval, 1979)."""

from __future__ import annotations

from stages.evaluation.answered import Answered


def ratio(row: Answered) -> tuple[float, float]:
    if row.golden.act != "call":
        return 0, 0
    parts = [m.agreement for m in row.matches]
    return 2 * sum(p.right for p in parts), sum(p.given + p.expected for p in parts)
