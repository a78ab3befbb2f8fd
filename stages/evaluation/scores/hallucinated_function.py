"""Share of the answers that call a function which was not shown."""

from __future__ import annotations

from stages.evaluation.answered import Answered


def ratio(row: Answered) -> tuple[float, float]:
    return float(any(call.name not in row.shown for call in row.parsed.calls)), 1
