"""Share of the answers that are calls which their functions take, or words alone."""

from __future__ import annotations

from stages.evaluation.answered import Answered


def ratio(row: Answered) -> tuple[float, float]:
    return float(row.error is None), 1
