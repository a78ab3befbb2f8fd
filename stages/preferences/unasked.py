"""Calls where no call is right: a value invented in place of a question, the nearest function in
place of a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stages.core.plan import Argument, Plan, PlannedCall
from stages.core.sources import Source
from stages.preferences.case import Case, calling, prefixes


def invented(case: Case) -> Iterator[Plan]:
    """The call that the user wants, with a value of its source for the argument that is missing."""
    call, missing = case.plan.calls[0], (case.plan.turn.missing or "").split(".")[0]
    for other in case.others(call.function):
        if values := [one for one in other.arguments if one.name == missing]:
            rest = [one for one in call.arguments if one.name != missing]
            yield case.with_call(0, [*rest, *values])


def called(case: Case) -> Iterator[Plan]:
    """A call of a function that is shown, of the nearest first, with the values that the user gives
    where it has arguments of the same source, and else with what it requires.
    """
    for function in case.shown:
        for other in case.others(function):
            yield calling(case.plan, [_with_given(other, case)])


def _with_given(call: PlannedCall, case: Case) -> PlannedCall:
    """The call with the values that the user gives, without optional arguments of other values."""
    given = [
        (source, one)
        for wanted in case.plan.calls
        for one in wanted.arguments
        if one.provenance == "user"
        and (source := case.pack.by_key.get(f"{wanted.function}.{one.slot}"))
    ]
    arguments: list[Argument] = []
    for argument in call.arguments:
        source = case.pack.by_key[f"{call.function}.{argument.slot}"]
        alike = next((pair for pair in given if _is_same(pair[0], source)), None)
        if alike is not None:
            given.remove(alike)
            value = alike[1]
            arguments.append(replace(argument, value=value.value, surface=value.surface))
        elif all(
            case.pack.by_key[f"{call.function}.{slot}"].required for slot in prefixes(argument)
        ):
            arguments.append(argument)
    return PlannedCall(call.function, tuple(arguments))


def _is_same(one: Source, other: Source) -> bool:
    """Whether a value of one source may be one of the other: what the schema alone says, such as an
    enum, is alike only if it is called alike.
    """
    if (one.kind, one.settings) != (other.kind, other.settings):
        return False
    is_named = one.settings not in (True, None) and one.kind != "list"
    return is_named or (
        one.slot == other.slot and one.schema.get("enum") == other.schema.get("enum")
    )
