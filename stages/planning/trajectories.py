"""Conversations in a world: directed sampling of calls that are executed as they are planned.

A request aims at a function. A value that it lacks leads to the function that gives it, a
condition that does not hold to the function which makes it hold (backward chaining on bound values,
after FunReason-MT, arXiv 2510.24645, where prerequisite functions are called whatever they give).
Nothing is planned that the world has not done: each call is executed at once, and its result stands
in the plan.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from stages import language
from stages.core.plan import Argument, PlannedCall, Turn
from stages.core.sources import ENTITY, Source
from stages.core.worlds import ROW, Condition, World, WorldFunction
from stages.language.identifiers import named
from stages.planning import wording
from stages.planning.calls import Bind, Unbound
from stages.planning.references import PICK, Meant, Reference, meant, references
from stages.planning.sources import Item
from stages.worlds.execution import call as execute
from stages.worlds.execution import unmet
from stages.worlds.state import State

if TYPE_CHECKING:
    from stages.planning.scenarios.draws import Draws

# Functions one inside another that a value may come through; conditions that are mended in a
# request; draws of a request until one can be done; values of a kind that are tried.
DEPTH, MENDED, TRIES, VALUES = 3, 3, 12, 12
# Calls that one message makes at most.
TOGETHER = 4
# How often a request names a thing of an earlier one by that, "that order"; says its steps, "find
# the orders of ann@x.com and cancel the latest one"; leaves a condition that does not hold to the
# model, which learns of it from an error.
EARLIER, STEPWISE, RECOVERED = 0.5, 0.3, 0.4
# How often a user names a thing outright which some function gives too, where the world does not
# say; how often a thing within the words for another is named by how it is found, as a part of
# that.
SAID, NESTED = 0.3, 0.5
# How often a required value is left out, so that the model must ask for it.
ASKED = 0.15
# How often a thing may be one that a function makes, where another finds such.
MADE = 0.15
# How often a list of things has one, two or three of them.
COUNTS = (1, 1, 2, 2, 3)


@dataclass
class Step:
    """A call that the world has done."""

    call: PlannedCall
    result: Mapping[str, Any]
    is_error: bool = False


class Thing(NamedTuple):
    """What the conversation has named or been given."""

    entity: str
    value: Any


@dataclass
class Request:
    """One message of the user, as it is worked at. wanted: the calls that it asks for; found: words
    -> the thing that they name, of those that a call has found; kinds: the entities that it names.
    """

    steps: list[Step] = field(default_factory=list)
    wanted: list[PlannedCall] = field(default_factory=list)
    found: dict[str, Found] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    has_written: bool = False


class Found(NamedTuple):
    """A thing that a step found: which call gave it, and the words that tell its row there."""

    call: PlannedCall
    reference: Reference
    words: Mapping[str, str]


class Journey:
    """One conversation in a world, request by request; `state` is what the requests have made of
    it. edges: how often each way from function to function was taken, in all conversations.
    """

    def __init__(
        self, draws: Draws, world: World, state: State, edges: Counter[tuple[str, ...]]
    ) -> None:
        self.draws, self.world, self.state, self.edges = draws, world, state, edges
        self.pack, self.locale = draws.pack, draws.locale
        self.shown = [name for name in draws.shown if name in world.functions]
        self.things: list[Thing] = []

    @property
    def choices(self) -> random.Random:
        return self.draws.choices

    def turns(self, function: str) -> tuple[Turn, ...] | None:
        """The turns of a request that aims at a function; None where none could be done, and the
        state is as before.
        """
        self.state.mark()
        try:
            for _ in range(TRIES):
                request = Request()
                try:
                    self._aim(function, request)
                except Unbound:
                    self.state.undo()
                    continue
                self._remember(request)
                return self._turns(request)
        finally:
            self.state.keep()
        return None

    def _aim(self, function: str, request: Request) -> None:
        """Plan and do a request for a function. Raises Unbound."""
        call = self._call(function, request, {}, 0)
        arguments = call.call.arguments
        told: list[PlannedCall] = []
        for _ in range(MENDED):
            condition = unmet(self.state, function, arguments)
            if condition is None:
                break
            told += self._mend(function, call, condition, request)
        step = self._do(call, request)
        if step.is_error:
            raise Unbound(function)
        request.wanted = [*told, *self._said(call, request)]

    def _call(
        self, function: str, request: Request, given: Mapping[str, Item], depth: int,
        slots: frozenset[str] | None = None,
    ) -> PlannedCall:  # fmt: skip
        """A call of a function, the steps that find its things done. given: entity -> thing."""
        calls = self.draws.calls if depth == 0 and not given else None
        if calls is None or calls.function != function:
            calls = self.draws.of(function)
        bind = self._bind(self.world.functions[function], request, given, depth)
        return calls.draw(self.draws.today, self.choices, bind=bind, slots=slots)

    def _do(self, call: PlannedCall, request: Request) -> Step:
        outcome = execute(self.state, call.function, call.call.arguments)
        step = Step(call, outcome.result, outcome.is_error)
        request.steps.append(step)
        request.has_written |= self.world.functions[call.function].effect == "write"
        return step

    # Where things come from

    def _bind(
        self, function: WorldFunction, request: Request, given: Mapping[str, Item], depth: int
    ) -> Bind:
        def bind(leaf: Source, drawn: Mapping[str, Item]) -> Item | None:
            name = str(leaf.settings)
            if name in given:
                return given[name]
            if leaf.schema.get("type") == "array":
                return self._several(leaf, name)
            arguments = {slot: item.value for slot, item in drawn.items()}

            def will_do(value: Any) -> bool:
                return self._will_do(function, {**arguments, leaf.slot: value})

            # "That person" beside another person would be either.
            is_first = name not in request.kinds
            request.kinds.add(name)
            items = self._items(function.name, leaf, request, depth, will_do, is_first)
            return next(items, None)

        return bind

    def _items(
        self, function: str, leaf: Source, request: Request, depth: int, will_do: Any,
        is_first: bool,
    ) -> Iterator[Item]:  # fmt: skip
        """Things for an argument, first of the way that is drawn, then of the others. is_first:
        whether the message names none of its kind so far.
        """
        name = str(leaf.settings)
        entity = self.world.entities[name]
        makers = self._makers(name, function) if depth < DEPTH else []
        share = entity.said
        if share is None:
            share = (SAID if makers else 1.0) if entity.known else 0.0
        if depth:
            share = 1 - (1 - share) * NESTED
        is_said = self.choices.random() < share
        can_refer = is_first and entity.said != 1 and self._is_given(name)
        can_refer = can_refer and self.choices.random() < EARLIER
        earlier = self._earlier(name) if can_refer else None
        if earlier is not None and will_do(earlier.value):
            yield earlier
        for way in (0, 1) if is_said else (1, 0):
            if way == 0 and entity.known:
                yield from self._known(name, entity.known, will_do)
            elif way == 1:
                for maker, column in makers:
                    yield from self._found(function, maker, column, request, depth, will_do)

    def _known(self, name: str, query: str, will_do: Any) -> Iterator[Item]:
        """Things that the user says outright."""
        values = [row[0] for row in self.state.rows(query) if row[0] is not None]
        for value in self.choices.sample(values, min(VALUES, len(values))):
            if will_do(value):
                yield Item(value, (self._outright(name, value),), provenance="user")

    def _several(self, leaf: Source, name: str) -> Item | None:
        """A list of things that the user says outright."""
        query = self.world.entities[name].known
        values = [row[0] for row in self.state.rows(query) if row[0] is not None] if query else []
        count = min(self.choices.choice(COUNTS), len(values))
        if count < max(1, int(leaf.schema.get("minItems", 1))):
            return None
        drawn = self.choices.sample(values, count)
        words = wording.joined([self._outright(name, value) for value in drawn], self.locale)
        return Item(drawn, (words,), provenance="user")

    def _outright(self, name: str, value: Any) -> str:
        patterns = self.pack.vocabulary(self.locale).said.get(name) or ("{value}",)
        return self.choices.choice(patterns).replace("{value}", str(value))

    def _earlier(self, name: str) -> Item | None:
        """The thing that the conversation had last of its kind."""
        words = language.of(self.locale).REFERENCES.earlier
        value = next((t.value for t in reversed(self.things) if t.entity == name), None)
        if value is None or not words:
            return None
        surface = self.choices.choice(words).format(name=named(name))
        return Item(value, (surface,), provenance="result")

    def _is_given(self, name: str) -> bool:
        """Whether some function gives such things: else users name them, each time."""
        return any(name in one.gives.values() for one in self.world.functions.values())

    def _makers(self, entity: str, function: str) -> list[tuple[str, str]]:
        """The functions that give a thing, and the column; those first that were used least for
        this, and mostly such as read before such as write.
        """
        made = [
            (one.name, column)
            for one in (self.world.functions[name] for name in self.shown)
            if one.name != function and one.name not in self.pack.held_out
            for column, given in one.gives.items()
            if given == entity
        ]
        self.choices.shuffle(made)
        is_any = self.choices.random() < MADE
        writes = {name: self.world.functions[name].effect == "write" for name, _ in made}
        return sorted(made, key=lambda m: (writes[m[0]] > is_any, self.edges[(*m, function)]))

    def _found(
        self, function: str, maker: str, column: str, request: Request, depth: int, will_do: Any
    ) -> Iterator[Item]:
        """Things that a call of another function finds."""
        options = references(self.pack, maker, column, self.locale)
        if not options:
            return
        reference = self.choices.choice(options)
        mark = len(request.steps)
        try:
            call = self._call(maker, request, {}, depth + 1, reference.arguments)
        except Unbound:
            if request.has_written:  # the whole request is taken back
                raise
            del request.steps[mark:]
            return
        step = self._do(call, request)
        for one in self._rows(maker, reference, step):
            value = one.row.get(column)
            if value is None or not will_do(value):
                continue
            self.edges[maker, column, function] += 1
            words = self._named(call, reference, one.words)
            request.found[words] = Found(call, reference, one.words)
            yield Item(value, (words,), provenance="result")
        if request.has_written:
            raise Unbound(function)
        del request.steps[mark:]

    def _rows(self, maker: str, reference: Reference, step: Step) -> list[Meant]:
        if step.is_error:
            return []
        returns = self.world.functions[maker].returns
        rows = [step.result] if returns == ROW else step.result.get(returns, [])
        picks = {
            key.rpartition(".")[2]: words
            for key, words in self.pack.vocabulary(self.locale).picks.items()
            if key.rpartition(".")[0] == maker
        }
        return meant(reference, rows, picks, self.locale, self.draws.today, self.choices)

    def _named(self, call: PlannedCall, reference: Reference, words: Mapping[str, str]) -> str:
        """The words for a thing."""
        said = {one.slot: one.surface or "" for one in call.said}
        text = reference.phrase.write(
            reference.slots, lambda slot: words.get(slot.name, said.get(slot.name, "")),
            self.choices,
        )  # fmt: skip
        assert text is not None
        return text

    def _will_do(self, function: WorldFunction, arguments: Mapping[str, Any]) -> bool:
        """Whether the conditions hold that these arguments decide, or can be mended."""
        return all(
            condition.mended_by in self.shown or self.state.holds(condition.holds, arguments)
            for condition in function.requires
            if condition.arguments <= arguments.keys()
        )

    # Conditions

    def _mend(
        self, function: str, call: PlannedCall, condition: Condition, request: Request
    ) -> list[PlannedCall]:
        """Do what makes a condition hold; the calls for it that the user has to ask for."""
        mender = condition.mended_by
        if mender is None or mender not in self.shown or mender in self.pack.held_out:
            raise Unbound(function)
        given = self._things(call)
        mark = len(request.steps)
        mending = self._call(mender, request, given, 1)
        takes = self.world.functions[mender].takes
        own = [one.slot for one in mending.said if takes.get(one.slot) not in given]
        is_hidden = not own and len(request.steps) == mark
        if is_hidden and self.choices.random() < RECOVERED:
            self._do(call, request)
            self._do(mending, request)
            told = []
        else:
            self._do(mending, request)
            told = [mending]
        if (
            request.steps[-1].is_error
            or unmet(self.state, function, call.call.arguments) == condition
        ):
            raise Unbound(function)
        self.edges[mender, "", function] += 1
        return told

    def _things(self, call: PlannedCall) -> dict[str, Item]:
        """The things of a call's arguments, by entity."""
        takes = self.world.functions[call.function].takes
        return {
            takes[one.name]: Item(one.value, (one.surface or "",), provenance=one.provenance)
            for one in call.arguments
            if one.name in takes and not isinstance(one.value, list)
        }

    # Words and turns

    def _said(self, call: PlannedCall, request: Request) -> list[PlannedCall]:
        """What the message asks for: the call alone, which hides its steps; or a step, and it."""
        words = language.of(self.locale).REFERENCES
        found = [request.found[a.surface] for a in call.said if a.surface in request.found]
        if len(found) != 1 or len(request.steps) != 2 or self.choices.random() >= STEPWISE:
            return [call]
        one = found[0]
        patterns = words.picked if one.reference.has_pick else words.single
        if one.reference.columns or not patterns:
            return [call]
        pick = one.words.get(PICK, "")
        surface = self.choices.choice(patterns).format(pick=pick)
        arguments = tuple(
            replace(a, surface=surface) if a.surface in request.found else a for a in call.arguments
        )
        return [one.call, replace(call, arguments=arguments)]

    def _remember(self, request: Request) -> None:
        """Keep what later requests may call "that": what the message named, and the one thing that
        its last call gives, or that a call made. (Of a meeting that was looked up its organizer is
        nobody whom the user speaks of.)
        """
        for step in request.steps:
            function = self.world.functions[step.call.function]
            self.things += [
                Thing(kind, item.value) for kind, item in self._things(step.call).items()
            ]
            is_meant = function.effect == "write" or step is request.steps[-1]
            if (
                is_meant
                and not step.is_error
                and function.returns == ROW
                and len(function.gives) == 1
            ):
                ((column, entity),) = function.gives.items()
                if step.result.get(column) is not None:
                    self.things.append(Thing(entity, step.result[column]))

    def _turns(self, request: Request) -> tuple[Turn, ...]:
        turns = []
        for number, steps in enumerate(_together(request.steps, self.world)):
            calls = tuple(step.call for step in steps)
            results = tuple(step.result for step in steps)
            turns.append(Turn("call" if number == 0 else "step", calls, results=results))
        wanted = tuple(request.wanted)
        if wanted != turns[0].calls:
            turns[0] = replace(turns[0], wanted=wanted)
        asked = self._asked(wanted) if self.choices.random() < ASKED else ()
        return (*asked, *turns, Turn("answer", state=self.state.digest()))

    def _asked(self, wanted: tuple[PlannedCall, ...]) -> tuple[Turn, ...]:
        """A turn that asks for a value which the message left out, before all steps; none where
        several calls are asked for, or no phrase leaves out one that is required.
        """
        call, presence = wanted[0], self.draws.of(wanted[0].function).presence
        slots = frozenset(one.slot for one in call.said)
        candidates = [
            source.slot
            for source in self.pack.sources[call.function]
            if source.required and source.is_said and source.kind not in (ENTITY, "object")
            if presence.sayable(call.function, self.locale, slots - {source.slot})
        ]
        if len(wanted) > 1 or not candidates:
            return ()
        missing = self.choices.choice(candidates)
        left = tuple(one for one in call.arguments if one.name != missing)
        return (Turn("ask", (replace(call, arguments=left),), missing),)


def _together(steps: Sequence[Step], world: World) -> list[list[Step]]:
    """The steps by message: reads that need nothing of each other are called at once."""
    groups: list[list[Step]] = []
    for step in steps:
        last = groups[-1] if groups else []
        is_free = (
            0 < len(last) < TOGETHER
            and all(world.functions[s.call.function].effect == "read" for s in (*last, step))
            and not any(s.is_error for s in last)
            and not any(_gives(s, one) for s in last for one in step.call.arguments)
        )
        if is_free:
            last.append(step)
        else:
            groups.append([step])
    return groups


def _gives(step: Step, argument: Argument) -> bool:
    """Whether an argument's value may come from a step's result."""
    if argument.provenance != "result":
        return False
    return json.dumps(argument.value) in json.dumps(step.result)
