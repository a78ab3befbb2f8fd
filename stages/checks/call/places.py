"""Where a query says each argument of its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from stages import language
from stages.checks.call.context import Context, Slot, forms_of, value_key
from stages.core.plan import Argument, Plan
from stages.core.sources import UNSAID, Source
from stages.language.mentions import Span, Text


class Wanted(NamedTuple):
    """An argument that the user must say: of which call of the plan, 0, 1, ..., and function."""

    call: int
    function: str
    argument: Argument

    @property
    def meaning(self) -> tuple[str, str, str]:
        """What two calls may have in common."""
        return self.function, self.argument.slot, value_key(self.argument.value)


class Mention(NamedTuple):
    """An argument that the user says, and where: the spans of its words, of a list those of each
    item; () where it is not said, or where its words are another argument's.
    """

    call: int
    function: str
    argument: Argument
    spans: Sequence[Span]


def said(plan: Plan, context: Context) -> list[Wanted]:
    """Everything that the user must say in words of its own: also a thing whose name or number an
    earlier call gives, by the words for it, "my latest order".
    """
    sources = context.pack.by_key
    return [
        Wanted(number, call.function, argument)
        for number, call in enumerate(plan.calls)
        for argument in call.arguments
        if argument.provenance == "user" or argument.surface is not None
        if not _is_unsaid(sources, call.function, argument)
    ]


def _is_unsaid(sources: Mapping[str, Source], function: str, argument: Argument) -> bool:
    source = sources.get(f"{function}.{argument.slot}")
    return source is not None and source.kind in UNSAID


def text_of(query: str, context: Context) -> Text:
    """The query as a Text, which knows what it says."""
    return language.heard(query, context.locale, context.today)


def places(query: str, plan: Plan, context: Context) -> Sequence[Mention]:
    """The mention of each argument, in the plan's order. Two arguments never share a span: in "a
    room for 2" only one of two arguments with the value 2 is said. Longer words come first. Two
    calls of one function may have an argument in common: "rooms in Rome and Oslo for tonight".
    """
    return _places(query, _Key(plan, context))


class _Key:
    """A plan and its context as one key of a cache, by identity."""

    def __init__(self, plan: Plan, context: Context) -> None:
        self.plan, self.context = plan, context

    def __hash__(self) -> int:
        return hash((id(self.plan), id(self.context)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.plan is self.plan and other.context is self.context


@lru_cache(8)
def _places(query: str, key: _Key) -> Sequence[Mention]:
    plan, context = key.plan, key.context
    text = text_of(query, context)
    wanted = said(plan, context)
    mentions: dict[int, Mention] = {}
    occupied: list[Span] = []
    by_meaning: dict[tuple[str, str, str], Sequence[Span]] = {}
    for number in sorted(range(len(wanted)), key=lambda n: -len(wanted[n].argument.surface or "")):
        one = wanted[number]
        slot = context.words(one.function).slots.get(one.argument.slot)
        spans = _spans(text, one, slot, context, occupied) or by_meaning.get(one.meaning, ())
        occupied += spans
        by_meaning.setdefault(one.meaning, spans)
        mentions[number] = Mention(*one, spans)
    return [mentions[number] for number in range(len(wanted))]


def _spans(
    text: Text, one: Wanted, slot: Slot | None, context: Context, occupied: Sequence[Span]
) -> Sequence[Span]:
    """The argument's own spans: first of the words planned, then of others that say the value."""
    argument, kind = one.argument, slot.kind if slot else "string"
    written = context.surfaces[one.call] if one.call < len(context.surfaces) else {}

    def free(candidates: Sequence[Span], value: Any) -> Span | None:
        """The first span that overlaps none of `occupied` and is no part of another meaning."""
        for span in candidates:
            if any(span.overlaps(other) for other in occupied):
                continue
            if slot is None or not slot.measure or not text.is_part(span, value, kind):
                return span
        return None

    planned = [written.get(argument.slot), argument.surface]
    bare = language.of(context.locale).bare
    for surface in dict.fromkeys(words for words in planned if words):
        for words in dict.fromkeys((surface, bare(surface))):
            if span := free(text.find(words), argument.value):
                return (span,)
    spans: list[Span] = []
    for value in argument.value if isinstance(argument.value, list) else [argument.value]:
        span = free(text.mentions(value, kind, forms_of(slot, value)), value)
        if span is None:
            return ()
        spans.append(span)
        occupied = [*occupied, span]
    return spans
