"""Share of the rows that no function serves in which none is called."""

from __future__ import annotations

from stages.evaluation.answered import Answered


def ratio(row: Answered) -> tuple[float, float]:
    return (float(not row.made_calls), 1) if row.golden.act == "refuse" else (0, 0)
