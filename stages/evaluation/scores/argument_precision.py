"""Of the arguments that were given where a call is to be made, the share that is right."""

from __future__ import annotations

from stages.evaluation.answered import Answered


def ratio(row: Answered) -> tuple[float, float]:
    if row.golden.act != "call":
        return 0, 0
    return sum(m.agreement.right for m in row.matches), sum(m.agreement.given for m in row.matches)
