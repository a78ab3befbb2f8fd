"""Which sets of arguments a pack's phrases can say.

A phrase says a set if it has a slot for each of it and, outside of brackets, no other: of the
grammar `(a|b)`, `[optional]`, `{argument}`, `{argument:form}` only the slots matter here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from stages.core.command import InputError
from stages.core.pack import Pack
from stages.planning.presence import Sayable

# Ways through one phrase, and how deep its brackets may nest.
MAX_WAYS, MAX_DEPTH = 1_000, 20


class Way(NamedTuple):
    """One way through a phrase: what it must say and what it may say."""

    must: frozenset[str]
    may: frozenset[str]


NOTHING = Way(frozenset(), frozenset())


@cache
def ways(phrase: str) -> tuple[Way, ...]:
    """All ways through a phrase. Raises InputError for brackets that do not match."""
    found, end = _alternatives(phrase, 0, "", 0)
    if end != len(phrase):
        raise InputError(f"phrase {phrase!r:.100}: {phrase[end]!r} at {end} closes nothing")
    return tuple(found)


def slots(phrase: str) -> frozenset[str]:
    """All arguments that a phrase may say."""
    return frozenset().union(*(way.may for way in ways(phrase)))


def _alternatives(phrase: str, at: int, close: str, depth: int) -> tuple[list[Way], int]:
    """The ways from `at` to the bracket that closes, or the end; and where that is."""
    if depth > MAX_DEPTH:
        raise InputError(f"phrase {phrase!r:.100}: more than {MAX_DEPTH} brackets in another")
    all_ways: list[Way] = []
    current = [NOTHING]
    while at < len(phrase):
        character = phrase[at]
        if character == "\\":
            at += 2
        elif character == "{":
            end = phrase.find("}", at)
            if end < 0:
                raise InputError(f"phrase {phrase!r:.100}: {{ at {at} is not closed")
            name = frozenset({phrase[at + 1 : end].split(":")[0].strip()})
            current = [Way(way.must | name, way.may | name) for way in current]
            at = end + 1
        elif character in "([":
            inner, end = _alternatives(phrase, at + 1, ")" if character == "(" else "]", depth + 1)
            if end >= len(phrase):
                raise InputError(f"phrase {phrase!r:.100}: {character} at {at} is not closed")
            current = _product(current, _optional(inner) if character == "[" else inner)
            if len(current) > MAX_WAYS:
                raise InputError(
                    f"phrase {phrase!r:.100}: more than {MAX_WAYS} ways to say it: split it"
                )
            at = end + 1
        elif character == "|" and close:
            all_ways, current = [*all_ways, *current], [NOTHING]
            at += 1
        elif character in ")]":
            break
        else:
            at += 1
    if at < len(phrase) and phrase[at] != close:
        raise InputError(f"phrase {phrase!r:.100}: {phrase[at]!r} at {at} closes nothing")
    return list(dict.fromkeys([*all_ways, *current])), at


def _product(one: Iterable[Way], other: list[Way]) -> list[Way]:
    pairs = (Way(a.must | b.must, a.may | b.may) for a in one for b in other)
    return list(dict.fromkeys(pairs))


def _optional(inner: list[Way]) -> list[Way]:
    """What stands in brackets: as it is, or not at all; a single slot is one way for both."""
    found = [Way(frozenset(), way.may) if len(way.may) == 1 else way for way in inner]
    return found if any(not way.must for way in found) else [NOTHING, *found]


def sayable(pack: Pack) -> Sayable:
    """A function of (function, locale, slots): whether a phrase says just these, or does
    so with the general adjunct, which is for arguments that no phrase of the function has a slot
    for. A function without phrases has general ones, which say everything.
    """
    known: dict[tuple[str, str], tuple[tuple[Way, ...], frozenset[str]]] = {}

    @cache
    def can_say(function: str, locale: str, said: frozenset[str]) -> bool:
        if (function, locale) not in known:
            phrases = pack.vocabulary(locale).phrases.get(function, ())
            found = tuple(dict.fromkeys(way for phrase in phrases for way in ways(phrase)))
            known[function, locale] = found, frozenset().union(*(way.may for way in found))
        found, with_slot = known[function, locale]
        rest = said & with_slot
        return not found or any(way.must <= rest <= way.may for way in found)

    return can_say
