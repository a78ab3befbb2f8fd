"""A wrong value: another one of the same source, or two values that changed their places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from stages.core.conversation import equal
from stages.core.plan import Argument, Plan
from stages.preferences.case import Case, calling


def other(case: Case) -> Iterator[Plan]:
    """A value that the user gives, replaced by another of the same source."""
    for number, call in case.numbered():
        given = [one for one in call.arguments if one.provenance == "user"]
        case.choices.shuffle(given)
        drawn = [one for other in case.others(call.function) for one in other.arguments]
        for argument in given:
            values = (one for one in drawn if one.slot == argument.slot)
            value = next((one for one in values if not equal(one.value, argument.value)), None)
            if value is not None:
                rest = [one for one in call.arguments if one is not argument]
                yield case.with_call(number, [*rest, value])


def swapped(case: Case) -> Iterator[Plan]:
    """Two values of one call swapped, or those of one argument in two calls of a function."""
    places = [
        (number, position)
        for number, call in enumerate(case.plan.calls)
        for position, one in enumerate(call.arguments)
        if one.provenance == "user"
    ]
    pairs = list(combinations(places, 2))
    case.choices.shuffle(pairs)
    for (first, a), (second, b) in pairs:
        one, two = case.plan.calls[first], case.plan.calls[second]
        left, right = one.arguments[a], two.arguments[b]
        is_one_argument = (one.function, left.slot) == (two.function, right.slot)
        if (first == second or is_one_argument) and not equal(left.value, right.value):
            calls = [list(call.arguments) for call in case.plan.calls]
            calls[first][a], calls[second][b] = _with(left, right), _with(right, left)
            yield calling(
                case.plan,
                [
                    replace(call, arguments=tuple(arguments))
                    for call, arguments in zip(case.plan.calls, calls, strict=True)
                ],
            )


def _with(argument: Argument, other: Argument) -> Argument:
    """An argument with the value of another, and the words for it."""
    return replace(argument, value=other.value, surface=other.surface)
