"""The query says no value but those of its plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stages import language
from stages.checks.call.context import Context, Form, Refusal, Words, value_key
from stages.checks.call.places import Mention, places, text_of
from stages.core.plan import Argument, Plan
from stages.language.mentions import Span, Text, means
from stages.language.reading import Reading

NAME = "leaked"
# A value that must not be said is searched for from this many letters on: "en" is a word of many
# languages.
MIN_LETTERS = 3
# The kinds of slots that a reading may be a value of. A span of time has a number in it.
SLOT_KINDS = {
    "number": {"integer", "number", "money"},
    "money": {"integer", "number", "money"},
    "duration": {"integer", "number", "money"},
    "date": {"date"},
    "time": {"time"},
}


def check(query: str, plan: Plan, context: Context) -> Refusal | None:
    """Refuses a query that says more than its plan: another value of an argument or a value of one
    that the plan leaves out (which would have to be in the call), the argument that is to be
    missing, a value that only a result, the state or a default gives, a number, a day or a time
    that no argument has.
    """
    if not plan.calls:
        return None
    text, mentions = text_of(query, context), places(query, plan, context)
    spans = [span for mention in mentions for span in mention.spans]
    for call in plan.calls:
        words = context.words(call.function)
        if reason := _sibling(text, words, mentions, spans, plan.turn.missing):
            return Refusal(NAME, reason)
        for argument in call.arguments:
            if argument.provenance in ("result", "state", "default") and (
                reason := _secret(text, argument, spans)
            ):
                return Refusal(NAME, reason)
    return _measure(text, plan, context, mentions, spans)


def _inside(span: Span, spans: Sequence[Span]) -> bool:
    """Whether a span lies within one of others."""
    return any(other.start <= span.start and span.end <= other.end for other in spans)


def _sibling(
    text: Text,
    words: Words,
    mentions: Sequence[Mention],
    spans: Sequence[Span],
    missing: str | None,
) -> str | None:
    planned = {
        (mention.argument.slot, value_key(value))
        for mention in mentions
        for value in _values(mention.argument)
    }
    for span, forms in _forms(text, words):
        if _inside(span, spans) or any((form.slot, form.value) in planned for form in forms):
            continue
        if _touches_another(span, forms, mentions):
            continue
        for form in forms:
            if _counts(form, words, text, missing):
                said = text.text[span.start : span.end]
                return f"{form.slot} is said to be {form.value:.60}: {said!r:.60}"
    return None


def _values(argument: Argument) -> Sequence[Any]:
    return argument.value if isinstance(argument.value, list) else [argument.value]


def _touches_another(span: Span, forms: Sequence[Form], mentions: Sequence[Mention]) -> bool:
    """Whether a span shares words with those of an argument of another slot: "york hall" in "new
    york hall". (With those of its own slot it says another value: "no breakfast".)
    """
    slots = {form.slot for form in forms}
    return any(
        span.overlaps(other) and not _inside(other, [span])
        for mention in mentions
        if mention.argument.slot not in slots
        for other in mention.spans
    )


def _forms(text: Text, words: Words) -> Iterator[tuple[Span, list[Form]]]:
    """The longest forms at each word of a text, from left to right."""
    position, keys = 0, text.words
    while position < len(keys):
        longest, length = list[Form](), 0
        for form in words.index.get(keys[position], ()):
            if len(form.words) < length:
                break
            if tuple(keys[position : position + len(form.words)]) == form.words:
                longest.append(form)
                length = len(form.words)
        if longest:
            yield text.span(position, position + length), longest
        position += length or 1


def _counts(form: Form, words: Words, text: Text, missing: str | None) -> bool:
    """Whether a form said is more than a word that means nothing by itself."""
    small = text.lexicon.cues.small
    if all(word in small for word in form.words):
        return False
    if missing is not None and form.slot.split(".")[0] == missing.split(".")[0]:
        return True
    is_single = len(form.words) == 1
    if is_single and (form.words[0] in words.own or len(form.words[0]) < MIN_LETTERS):
        return False
    return not (is_single and words.slots[form.slot].is_open)


def _secret(text: Text, argument: Argument, spans: Sequence[Span]) -> str | None:
    """A text that only a result, the state or a default gives."""
    for value in _values(argument):
        if isinstance(value, str) and sum(c.isalnum() for c in value) >= MIN_LETTERS:
            for span in text.mentions(value):
                if not _inside(span, spans):
                    said = text.text[span.start : span.end]
                    return f"{argument.slot} comes from its {argument.provenance}: {said!r:.60}"
    return None


def _measure(
    text: Text, plan: Plan, context: Context, mentions: Sequence[Mention], spans: Sequence[Span]
) -> Refusal | None:
    """A number, a day or a time that the plan does not have."""
    measures = {m for call in plan.calls for m in context.words(call.function).measures}
    left, own = _left(plan, context, mentions)
    for reading in text.said:
        span = Span(reading.start, reading.end)
        same = text.by_span[span]
        kinds = {kind for one in same for kind in SLOT_KINDS[one.kind]}
        if not measures & kinds or any(span.overlaps(other) for other in spans):
            continue
        words = text.words[reading.first : reading.last]
        if own.issuperset(words) and (not left & kinds or _is_rate(reading, words, context)):
            continue  # "two out of five", "20 pages a day"
        if not any(_is_of(one, mention, context) for one in same for mention in mentions):
            said = text.text[span.start : span.end]
            return Refusal(NAME, f"a {reading.kind} that no argument has: {said!r:.60}")
    return None


def _is_rate(reading: Reading, words: Sequence[str], context: Context) -> bool:
    """Whether a reading is the second part of a rate: "a day" in the words of a phrase."""
    ones = language.of(context.locale).CUES.ones
    return reading.kind == "duration" and len(words) == 2 and words[0] in ones


def _left(
    plan: Plan, context: Context, mentions: Sequence[Mention]
) -> tuple[set[str], frozenset[str]]:
    """What the slots measure that nothing planned has, and the words of the functions' phrases."""
    said = {(mention.function, mention.argument.slot) for mention in mentions}
    words = {call.function: context.words(call.function) for call in plan.calls}
    measures = {
        slot.measure
        for function, one in words.items()
        for slot in one.slots.values()
        if (function, slot.name) not in said
    }
    return measures, frozenset().union(*(one.own for one in words.values()))


def _is_of(reading: Reading, mention: Mention, context: Context) -> bool:
    """Whether a reading says an argument's value once more."""
    slot = context.words(mention.function).slots.get(mention.argument.slot)
    kind = slot.kind if slot else "string"
    return any(means(reading, value, kind) for value in _values(mention.argument))
