"""Predicted calls beside expected ones: the assignment in which most arguments agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from stages.core.conversation import Call
from stages.core.golden_rows import Expected
from stages.evaluation.values import is_accepted, may_be_absent


class Agreement(NamedTuple):
    """A call against an expected one: arguments that are right; given by the call and counted;
    expected and counted. One that may be left out counts where it is given alone.
    """

    right: int
    given: int
    expected: int

    @property
    def is_exact(self) -> bool:
        """Whether all that is given is right, and nothing is missing."""
        return self.right == self.given == self.expected


def agreement(call: Call, expected: Expected) -> Agreement:
    """How far the arguments of two calls of one function agree."""
    right = given = wanted = 0
    for name, value in call.arguments.items():
        given += 1
        accepted = expected.arguments.get(name)
        right += accepted is not None and is_accepted(value, accepted)
    for name, accepted in expected.arguments.items():
        wanted += name in call.arguments or not may_be_absent(accepted)
    return Agreement(right, given, wanted)


def alone(call: Call) -> Agreement:
    """A call that nothing expects."""
    return Agreement(0, len(call.arguments), 0)


def lacking(expected: Expected) -> Agreement:
    """An expected call that was not made."""
    return Agreement(0, 0, sum(not may_be_absent(one) for one in expected.arguments.values()))


class Match(NamedTuple):
    """A pair of an expected and a predicted call, or one that has no partner (None)."""

    expected: Expected | None
    call: Call | None
    agreement: Agreement


def match(calls: Sequence[Call], expected: Sequence[Expected]) -> list[Match]:
    """Pairs of calls of the same function such that most arguments are right (the assignment
    problem; Kuhn 1955), then what is left of both.
    """
    worth = np.full((len(expected), len(calls)), -1e6)
    for i, wanted in enumerate(expected):
        for j, call in enumerate(calls):
            if wanted.name == call.name:
                agreed = agreement(call, wanted)
                # An exact pair before one with as many right arguments and a wrong one.
                worth[i, j] = 1 + agreed.right - 0.01 * (agreed.given - agreed.right)
    pairs = list(zip(*linear_sum_assignment(-worth), strict=True))
    pairs = [(i, j) for i, j in pairs if worth[i, j] > -1e5]
    matches = [Match(expected[i], calls[j], agreement(calls[j], expected[i])) for i, j in pairs]
    left = {i for i, _ in pairs}, {j for _, j in pairs}
    matches += [
        Match(one, None, lacking(one)) for i, one in enumerate(expected) if i not in left[0]
    ]
    matches += [Match(None, one, alone(one)) for j, one in enumerate(calls) if j not in left[1]]
    return matches
