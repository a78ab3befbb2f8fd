"""Near misses: the call of a plan changed in one way, so that it is no longer what the user asks
for. One idea a file, one function a kind.

KIND(case) -> the changed plans, in a random order. Whether one is wrong for the user's words, and
keeps the schemas of its functions, says who takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from stages.core.plan import Plan
from stages.preferences import optional, several, unasked, values
from stages.preferences.case import Case

# What the plan's turn does -> kind of near miss -> what makes it.
KINDS: Mapping[str, Mapping[str, Callable[[Case], Iterator[Plan]]]] = {
    "call": {
        "other_value": values.other,
        "swapped_values": values.swapped,
        "argument_left_out": optional.left_out,
        "argument_added": optional.added,
        "call_left_out": several.left_out,
        "call_doubled": several.doubled,
    },
    "ask": {"value_invented": unasked.invented},
    "refuse": {"function_called": unasked.called},
}

__all__ = ["KINDS", "Case"]
