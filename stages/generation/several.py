"""Sentences that ask for several calls at once, made of the phrases of each.

Three ways: one phrase after another; one phrase that lists what differs, "the weather in Rome and
Oslo"; a phrase of the first call, and of the others only what differs, "and the same for Oslo".
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from stages.core.conversation import equal
from stages.core.plan import Argument, PlannedCall
from stages.generation.written import Written, adjuncts
from stages.language import numerals
from stages.language.frames import lowered
from stages.language.identifiers import named
from stages.language.locale import Locale

# A phrase of one call.
Phrase = Callable[[PlannedCall], Written]
# How often calls that differ in an argument or two are said by lists, and by "the same for".
LISTED, AGAIN = 0.4, 0.25
# Arguments that may differ in these two ways.
DIFFERING = 2
# Phrases that are tried for a list.
TRIES = 4
# Words that may stand between the last list and "respectively".
NEAR = 3
# Where a sentence ends within a phrase.
WITHIN = re.compile(r"[.?!:;]\s")
END = re.compile(r"\s*[.?!]+$")
QUOTES = ("'", '"', "“", "‘")
# A day or a time as a value has it; letters of which a name's word has at least so many to be one.
TIME = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d")
SHORT = 4


def write(
    calls: Sequence[PlannedCall], phrase: Phrase, words: Locale, rng: random.Random
) -> Written:
    """Words for all the calls, in their order."""
    slots = differing(calls)
    draw = rng.random()
    if 0 < len(slots) <= DIFFERING:
        if draw < LISTED and (len(slots) == 1 or words.SEVERAL.each):
            made = (_listed(calls, slots, phrase, words) for _ in range(TRIES))
            if (fitting := next((one for one in made if one is not None), None)) is not None:
                return fitting
        elif draw < LISTED + AGAIN and _can_go_on(calls, slots, words):
            return _again(calls, slots, phrase, words, rng)
    return _apart(calls, phrase, words, rng)


def differing(calls: Sequence[PlannedCall]) -> list[str]:
    """The slots whose values differ between calls of one function that say the same slots; none
    where they do not, or where a value that differs is a list or has no words of its own.
    """
    said = [_by_slot(call) for call in calls]
    if len({call.function for call in calls}) > 1 or len({frozenset(one) for one in said}) > 1:
        return []
    slots = [s for s, a in said[0].items() if any(not equal(a.value, o[s].value) for o in said)]
    if any(isinstance(one[slot].value, list | bool) for one in said for slot in slots):
        return []
    return slots


def _apart(
    calls: Sequence[PlannedCall], phrase: Phrase, words: Locale, rng: random.Random
) -> Written:
    """A phrase after another."""
    parts = [phrase(call) for call in calls]
    text = parts[0].query
    for part in parts[1:]:
        following = part.query
        if END.search(text):
            start = rng.choice(words.SEVERAL.starts)
            following = f"{start} {_lowered(part, words)}" if start else following
            text = f"{text} {following}"
        else:
            text = f"{text}{rng.choice(words.SEVERAL.links)}{_lowered(part, words)}"
    surfaces = tuple(held for part in parts for held in part.surfaces)
    return Written(text, _named(part.template_id for part in parts), surfaces)


def _listed(
    calls: Sequence[PlannedCall], slots: Sequence[str], phrase: Phrase, words: Locale
) -> Written | None:
    """One phrase, in which each slot that differs has the values of all calls; None where the
    phrase drawn does not bear a list: in several sentences, or with a word that stands for one
    thing ("it"), what follows would speak of one alone; between quotation marks a list is a text.
    """
    said = [_by_slot(call) for call in calls]
    values = [{slot: one.surface or "" for slot, one in held.items()} for held in said]
    merged = tuple(
        replace(
            one, value=[held[one.slot].value for held in said],
            surface=words.joined([held[one.slot] for held in values]),
        )
        if one.slot in slots
        else one
        for one in calls[0].arguments
    )  # fmt: skip
    part = phrase(replace(calls[0], arguments=merged))
    text, held = part.query, part.surfaces[0]
    if not _bears_lists(text, [held[slot] for slot in slots], words):
        return None
    if len(slots) > 1:
        end = END.search(text)
        mark = end[0] if end else ""
        after = min((text.rpartition(held[slot])[2] for slot in slots), key=len)
        if len(after.split()) > NEAR:
            return None
        text = f"{text.removesuffix(mark)} {words.SEVERAL.each}{mark}"
    in_figures = {one.slot for one in merged if held.get(one.slot, one.surface) != one.surface}
    own = [
        {
            slot: numerals.written(one[slot].value, one[slot].surface or "", words)
            if slot in in_figures
            else one[slot].surface or ""
            for slot in slots
        }
        for one in said
    ]
    surfaces = tuple({**held, **one} for one in own)
    return Written(text, f"{part.template_id}+listed", surfaces)


def _bears_lists(text: str, lists: Sequence[str], words: Locale) -> bool:
    """Whether these lists can stand where they do in a phrase."""
    rest = text
    for one in lists:
        start = rest.find(one)
        if start < 0 or rest[max(start - 1, 0) : start] in QUOTES:
            return False
        rest = rest.replace(one, "")
    single = {word.strip(",.?!") for word in rest.lower().split()} & words.SEVERAL.single
    return not single and not WITHIN.search(rest)


def _can_go_on(calls: Sequence[PlannedCall], slots: Sequence[str], words: Locale) -> bool:
    """Whether what differs can be said alone: a name is, other values need their arguments'."""
    changed = [_by_slot(call)[slot] for call in calls for slot in slots]
    if any(_leads(one.surface or "", words) for one in changed):
        return False
    if len(slots) == 1 and all(_is_name(one) for one in changed):
        return bool(words.SEVERAL.again)
    # Of short names many are units and signs: "capacity mah", "p first".
    short = any(len(word) < SHORT for slot in slots for word in named(slot).split())
    has_names = words.SEVERAL.with_names and not short and not any("." in slot for slot in slots)
    return bool(words.SEVERAL.again) and has_names


def _leads(surface: str, words: Locale) -> bool:
    """Whether words begin with a small one that belongs before them alone: "as a squad"."""
    first = surface.lower().split(" ")[0]
    return first in words.CUES.small - words.CUES.articles and words.bare(surface) == surface


def _is_name(one: Argument) -> bool:
    """Whether a value is said alone: a text in its own words, and a day or a time."""
    said = one.surface or ""
    return isinstance(one.value, str) and (
        one.value.lower() in said.lower() or TIME.fullmatch(one.value) is not None
    )


def _by_slot(call: PlannedCall) -> dict[str, Argument]:
    return {one.slot: one for one in call.said}


def _again(
    calls: Sequence[PlannedCall], slots: Sequence[str], phrase: Phrase, words: Locale,
    rng: random.Random,
) -> Written:  # fmt: skip
    """The first call's phrase, and of each other call what differs."""
    first = phrase(calls[0])
    end = END.search(first.query)
    mark = end[0] if end else ""
    text = first.query.removesuffix(mark)
    surfaces: list[Mapping[str, str]] = [first.surfaces[0]]
    for call in calls[1:]:
        changed = [_bared(one, first.surfaces[0], words) for one in call.said if one.slot in slots]
        own = {one.slot: one.surface or "" for one in changed}
        alone = len(changed) == 1 and _is_name(changed[0])
        counts = all(_counts(one, words) for one in changed)
        said = own[changed[0].slot] if alone else adjuncts(changed, words.joined)
        if counts:  # "8 vertices and 20 edges"
            said = words.joined([words.fitted(f"{own[one.slot]} {named(one.slot)}", own[one.slot])
                                 for one in changed])  # fmt: skip
        text = f"{text}, {rng.choice(words.SEVERAL.again)} {said}"
        surfaces.append({**first.surfaces[0], **own})
    return Written(f"{text}{mark.strip()}", f"{first.template_id}+again", tuple(surfaces))


def _bared(one: Argument, first: Mapping[str, str], words: Locale) -> Argument:
    """A day without its preposition, which "for" stands before; a number in figures where that of
    the first call is.
    """
    said = words.bare(one.surface or "")
    if any(c.isdigit() for c in first.get(one.slot, "")):
        said = numerals.written(one.value, said, words)
    return replace(one, surface=said)


def _counts(one: Argument, words: Locale) -> bool:
    """Whether an argument's name is what its number counts: "edges", not "radius"."""
    name = named(one.slot)
    is_plural = words.stem(name.split(" ")[-1]) != name.split(" ")[-1]
    is_number = isinstance(one.value, int | float) and not isinstance(one.value, bool)
    return is_plural and is_number and (one.surface or "") in words.number(one.value)


def _lowered(part: Written, words: Locale) -> str:
    """A phrase as it goes on after another."""
    return lowered(part.query, [said for held in part.surfaces for said in held.values()], words)


def _named(names: object) -> str:
    return "+".join(dict.fromkeys(map(str, names)))  # type: ignore[call-overload]
