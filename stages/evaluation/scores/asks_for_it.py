"""Share of the rows that lack a required argument in which the answer names it."""

from __future__ import annotations

from stages.core.text import normalized
from stages.evaluation.answered import Answered


def ratio(row: Answered) -> tuple[float, float]:
    if row.golden.act != "ask":
        return 0, 0
    wanted = normalized((row.golden.missing or "").replace("_", " ").replace(".", " ")).split()
    said = normalized(row.parsed.text).split()
    return float(not row.made_calls and all(word in said for word in wanted)), 1
