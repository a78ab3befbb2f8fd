"""Optional arguments: one that is said left out, one that is not said added."""

from __future__ import annotations

from collections.abc import Iterator

from stages.core.plan import Plan
from stages.preferences.case import Case, is_default, prefixes


def left_out(case: Case) -> Iterator[Plan]:
    """An optional argument, or an optional property of one, that the user says, left out."""
    for number, call in case.numbered():
        optional = dict.fromkeys(
            slot
            for one in call.said
            if not is_default(case.pack.by_key[f"{call.function}.{one.slot}"], one.value)
            for slot in prefixes(one)
            if not case.pack.by_key[f"{call.function}.{slot}"].required
        )
        for slot in case.choices.sample(list(optional), len(optional)):
            yield case.with_call(
                number, [one for one in call.arguments if slot not in prefixes(one)]
            )


def added(case: Case) -> Iterator[Plan]:
    """An argument that the user does not say, with a value of its source; an object whole."""
    for number, call in case.numbered():
        slots = {slot for one in call.arguments for slot in prefixes(one)}
        for other in case.others(call.function):
            new = [
                one
                for one in other.said
                if one.slot not in slots
                and not is_default(case.pack.by_key[f"{call.function}.{one.slot}"], one.value)
            ]
            if new:
                # The outermost object of a value that the call lacks.
                outer = prefixes(case.choices.choice(new))
                top = next(slot for slot in outer if slot not in slots)
                more = [one for one in new if top in prefixes(one)]
                yield case.with_call(number, [*call.arguments, *more])
