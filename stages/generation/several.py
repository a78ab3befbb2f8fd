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
from stages.language.frames import lowered
from stages.language.locale import Locale

# A phrase of one call.
Phrase = Callable[[PlannedCall], Written]
# How often calls that differ in an argument or two are said by lists, and by "the same for".
LISTED, AGAIN = 0.4, 0.25
# Arguments that may differ in these two ways.
DIFFERING = 2
END = re.compile(r"\s*[.?!]+$")


def write(
    calls: Sequence[PlannedCall], phrase: Phrase, words: Locale, rng: random.Random
) -> Written:
    """Words for all the calls, in their order."""
    slots = differing(calls)
    draw = rng.random()
    if 0 < len(slots) <= DIFFERING:
        if draw < LISTED and (len(slots) == 1 or words.SEVERAL.each):
            return _listed(calls, slots, phrase, words)
        if draw < LISTED + AGAIN and _can_go_on(calls, slots, words):
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
) -> Written:
    """One phrase, in which each slot that differs has the values of all calls."""
    values = [{slot: a.surface or "" for slot, a in _by_slot(call).items()} for call in calls]
    merged = tuple(
        replace(one, value=None, surface=words.joined([held[one.slot] for held in values]))
        if one.slot in slots
        else one
        for one in calls[0].arguments
    )
    part = phrase(replace(calls[0], arguments=merged))
    text = part.query
    if len(slots) > 1:
        end = END.search(text)
        mark = end[0] if end else ""
        text = f"{text.removesuffix(mark)} {words.SEVERAL.each}{mark}"
    own = [{slot: held[slot] for slot in slots} for held in values]
    surfaces = tuple({**part.surfaces[0], **held} for held in own)
    return Written(text, f"{part.template_id}+listed", surfaces)


def _can_go_on(calls: Sequence[PlannedCall], slots: Sequence[str], words: Locale) -> bool:
    """Whether what differs can be said alone: a name is, other values need their arguments'."""
    is_name = len(slots) == 1 and isinstance(_by_slot(calls[0])[slots[0]].value, str)
    has_names = words.SEVERAL.with_names and not any("." in slot for slot in slots)
    return bool(words.SEVERAL.again) and (is_name or has_names)


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
        changed = [one for one in call.said if one.slot in slots]
        own = {one.slot: one.surface or "" for one in changed}
        alone = len(changed) == 1 and isinstance(changed[0].value, str)
        said = own[changed[0].slot] if alone else adjuncts(changed, words.joined)
        text = f"{text}, {rng.choice(words.SEVERAL.again)} {said}"
        surfaces.append({**first.surfaces[0], **own})
    return Written(f"{text}{mark.strip()}", f"{first.template_id}+again", tuple(surfaces))


def _lowered(part: Written, words: Locale) -> str:
    """A phrase as it goes on after another."""
    return lowered(part.query, [said for held in part.surfaces for said in held.values()], words)


def _named(names: object) -> str:
    return "+".join(dict.fromkeys(map(str, names)))  # type: ignore[call-overload]
