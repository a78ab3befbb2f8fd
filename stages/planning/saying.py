"""Which sets of arguments a pack's phrases can say."""

from __future__ import annotations

from functools import cache

from stages.core.pack import Pack
from stages.core.phrases import Way, parse
from stages.planning.presence import Sayable


def sayable(pack: Pack) -> Sayable:
    """A function of (function, locale, slots): whether a phrase says just these, or does so with
    the general adjunct, which is for arguments that no phrase of the function has a slot for. A
    function without phrases has general ones, which say everything.
    """

    @cache
    def ways_of(function: str, locale: str) -> tuple[tuple[Way, ...], frozenset[str]]:
        phrases = pack.vocabulary(locale).phrases.get(function, ())
        ways = tuple(dict.fromkeys(way for text in phrases for way in parse(text).ways))
        return ways, frozenset().union(*(way.may for way in ways))

    @cache
    def can_say(function: str, locale: str, said: frozenset[str]) -> bool:
        ways, slots = ways_of(function, locale)
        rest = said & slots
        return not ways or any(way.must <= rest <= way.may for way in ways)

    return can_say
