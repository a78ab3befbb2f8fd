"""What near misses are made from, and what several of them need."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from stages.core.conversation import equal
from stages.core.pack import Pack
from stages.core.plan import Argument, Plan, PlannedCall, Turn
from stages.core.sources import Source


class Case(NamedTuple):
    """A plan of one turn, and what its changes are drawn from. shown: the functions of its tool
    set, the nearest to what the user wants first; calls: other valid calls of a function, () where
    none can be planned; choices: the row's own draws.
    """

    plan: Plan
    pack: Pack
    shown: Sequence[str]
    calls: Callable[[str], Sequence[PlannedCall]]
    choices: random.Random

    def others(self, function: str) -> list[PlannedCall]:
        """Other calls of a function, in a random order."""
        calls = self.calls(function)
        return self.choices.sample(calls, len(calls))

    def numbered(self) -> list[tuple[int, PlannedCall]]:
        """The plan's calls with their numbers, in a random order."""
        calls = list(enumerate(self.plan.calls))
        self.choices.shuffle(calls)
        return calls

    def with_call(self, number: int, arguments: Iterable[Argument]) -> Plan:
        """The plan with other arguments of one of its calls, in the order of the schema."""
        calls = list(self.plan.calls)
        leaves = (one for source in self.pack.sources[calls[number].function]
                  for one in source.leaves())  # fmt: skip
        order = {leaf.slot: n for n, leaf in enumerate(leaves)}
        ordered = sorted(arguments, key=lambda one: order.get(one.slot, len(order)))
        calls[number] = replace(calls[number], arguments=tuple(ordered))
        return calling(self.plan, calls)


def calling(plan: Plan, calls: Iterable[PlannedCall]) -> Plan:
    """The plan with these calls as what is answered."""
    return replace(plan, turns=(Turn("call", tuple(calls)),))


def is_default(source: Source, value: Any) -> bool:
    """Whether a call with this value may mean the same as one without it: the schema's default, and
    where it names none, false.
    """
    return equal(value, source.schema.get("default", False))


def prefixes(argument: Argument) -> list[str]:
    """The slots of the objects that an argument's value stands in, the outermost first, and its
    own.
    """
    path = (argument.name, *argument.path)
    return [".".join(path[:length]) for length in range(1, len(path) + 1)]
