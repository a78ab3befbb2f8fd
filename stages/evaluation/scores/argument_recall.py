"""Of the arguments that are expected, the share that was given rightly."""

from __future__ import annotations

from stages.evaluation.answered import Answered


def ratio(row: Answered) -> tuple[float, float]:
    if row.golden.act != "call":
        return 0, 0
    wanted = sum(m.agreement.expected for m in row.matches)
    return sum(m.agreement.right for m in row.matches), wanted
