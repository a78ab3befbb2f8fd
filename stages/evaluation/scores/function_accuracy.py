"""Share of the rows with a call to be made in which just the right functions are called."""

from __future__ import annotations

from stages.evaluation.answered import Answered


def ratio(row: Answered) -> tuple[float, float]:
    if row.golden.act != "call":
        return 0, 0
    wanted = sorted(one.name for one in row.golden.expected)
    return float(sorted(call.name for call in row.parsed.calls) == wanted), 1
