"""Share of the rows with a call to be made in which something is called.

To be read beside `no_call_accuracy`, which a model that never calls wins."""

from __future__ import annotations

from stages.evaluation.answered import Answered


def ratio(row: Answered) -> tuple[float, float]:
    return (float(row.made_calls), 1) if row.golden.act == "call" else (0, 0)
