"""Of several calls one left out, one doubled."""

from __future__ import annotations

from collections.abc import Iterator

from stages.core.plan import Plan
from stages.preferences.case import Case, calling


def left_out(case: Case) -> Iterator[Plan]:
    """One of several calls left out."""
    if len(case.plan.calls) > 1:
        for number, _ in case.numbered():
            yield calling(case.plan, case.plan.calls[:number] + case.plan.calls[number + 1 :])


def doubled(case: Case) -> Iterator[Plan]:
    """One of several calls made again at the end."""
    if len(case.plan.calls) > 1:
        for _, call in case.numbered():
            yield calling(case.plan, [*case.plan.calls, call])
