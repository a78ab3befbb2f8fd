"""Share of the rows with a call to be made whose calls are right in every argument."""

from __future__ import annotations

from stages.evaluation.answered import Answered


def ratio(row: Answered) -> tuple[float, float]:
    return (float(row.is_exact), 1) if row.golden.act == "call" else (0, 0)
