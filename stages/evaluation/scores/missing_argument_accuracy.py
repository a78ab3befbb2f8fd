"""Share of the rows that lack a required argument in which nothing is called."""

from __future__ import annotations

from stages.evaluation.answered import Answered


def ratio(row: Answered) -> tuple[float, float]:
    return (float(not row.made_calls), 1) if row.golden.act == "ask" else (0, 0)
