"""Phrases: how people ask for a function, with slots for its arguments.

`(a|b)` is one of several, also nothing: `(please|)`; `[...]` may be left out; `{slot}` is the
argument's words, `{slot:form}` in a form that the vocabulary has, `{address.city}` a nested one; a
backslash takes the next character as it is.

A phrase says a set of slots if one way through it has a slot for each and no other.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from stages.core.command import InputError

# Characters of a phrase, ways through it, and brackets one inside another.
MAX_LENGTH, MAX_WAYS, MAX_DEPTH = 2_000, 1_000, 20
SLOT = re.compile(r"\s*([^\s:{}]+)\s*(?::\s*([\w-]+)\s*)?")


class Slot(NamedTuple):
    """A place for an argument's words; `form` is empty where the phrase asks for none."""

    name: str
    form: str


class Choice(NamedTuple):
    """One of several parts; in square brackets, `optional`, it may be none."""

    options: tuple[Part, ...]
    optional: bool


Part = tuple["str | Slot | Choice", ...]


class Way(NamedTuple):
    """What one way through a phrase says: `must` in any case, `may` where it is to be said."""

    must: frozenset[str]
    may: frozenset[str]


NOTHING = Way(frozenset(), frozenset())


@dataclass(frozen=True)
class Phrase:
    """A phrase that has been read."""

    text: str
    part: Part

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """All ways through it, as far as they differ in what they say."""
        try:
            return _ways(self.part)
        except ValueError:
            raise InputError(
                f"phrase {self.text!r:.100}: more than {MAX_WAYS} ways to say it: split it"
            ) from None

    @cached_property
    def slots(self) -> frozenset[str]:
        """All that it may say."""
        return frozenset().union(*(way.may for way in self.ways))

    def says(self, said: frozenset[str]) -> bool:
        """Whether it can say just these slots."""
        return any(way.must <= said <= way.may for way in self.ways)

    def write(
        self, said: Iterable[str], words: Callable[[Slot], str], rng: random.Random
    ) -> str | None:
        """The phrase with `words` for its slots, saying just `said`, each once; None if it cannot.

        Of several parts that serve alike one is drawn.
        """
        wanted = frozenset(said)
        if not self.says(wanted):
            return None
        return " ".join(_written(self.part, wanted, words, rng).split())


@lru_cache(65_536)
def parse(text: str) -> Phrase:
    """Read a phrase. Raises InputError with what is wrong and where, as a character's number."""
    if len(text) > MAX_LENGTH:
        raise InputError(f"phrase {text[:60]!r}...: longer than {MAX_LENGTH} characters")
    part, end = _part(text, 0, "", 0)
    if end < len(text):
        raise _error(text, end, f"{text[end]!r} closes nothing")
    phrase = Phrase(text, part[0])
    phrase.ways  # noqa: B018 - there may be too many
    return phrase


def _error(text: str, at: int, message: str) -> InputError:
    return InputError(f"phrase {text!r:.100}, character {at + 1}: {message}")


def _part(text: str, at: int, close: str, depth: int) -> tuple[tuple[Part, ...], int]:
    """The options from `at` to the closing bracket, or the end; and where that is."""
    if depth > MAX_DEPTH:
        raise _error(text, at, f"more than {MAX_DEPTH} brackets one inside another")
    options: list[Part] = []
    current: list[str | Slot | Choice] = []
    plain = ""

    def end_plain() -> None:
        nonlocal plain
        if plain:
            current.append(plain)
            plain = ""

    while at < len(text):
        character = text[at]
        if character == "\\" and at + 1 < len(text):
            plain += text[at + 1]
            at += 2
            continue
        if character in ")]":
            break
        if character == "|" and close:
            end_plain()
            options.append(tuple(current))
            current = []
        elif character in "([":
            end_plain()
            inner, end = _part(text, at + 1, ")" if character == "(" else "]", depth + 1)
            if end >= len(text):
                raise _error(text, at, f"{character} is not closed")
            current.append(Choice(inner, character == "["))
            at = end
        elif character == "{":
            end_plain()
            end = text.find("}", at)
            match = SLOT.fullmatch(text[at + 1 : end]) if end > 0 else None
            if match is None:
                raise _error(text, at, "expected {argument} or {argument:form}")
            current.append(Slot(match[1], match[2] or ""))
            at = end
        elif character == "}":
            raise _error(text, at, "} closes nothing; write \\} for the character")
        else:
            plain += character
        at += 1
    if at < len(text) and text[at] != close:
        raise _error(text, at, f"{text[at]!r} closes nothing")
    end_plain()
    return (*options, tuple(current)), at


@lru_cache(262_144)
def _ways(part: Part) -> tuple[Way, ...]:
    """All ways through a part. Raises ValueError where there are too many."""
    current = [NOTHING]
    for one in part:
        if isinstance(one, str):
            continue
        if isinstance(one, Slot):
            own = [Way(frozenset({one.name}), frozenset({one.name}))]
        else:
            own = [way for option in one.options for way in _ways(option)]
            if one.optional:
                # A single slot is one way for both, said and not.
                own = [Way(frozenset(), w.may) if len(w.may) == 1 else w for w in own]
                own = own if any(not w.must for w in own) else [NOTHING, *own]
        # A slot is said once: two ways with the same do not go together.
        pairs = (Way(a.must | b.must, (a.may | b.may) - (a.may & b.must) - (b.may & a.must)
                     | a.must | b.must)
                 for a in current for b in own if not a.must & b.must)  # fmt: skip
        current = list(dict.fromkeys(pairs))
        if len(current) > MAX_WAYS:
            raise ValueError("too many ways")
    return tuple(current)


def _written(
    part: Part, said: frozenset[str], words: Callable[[Slot], str], rng: random.Random
) -> str:
    """The text of a part that `_can` say just `said`."""
    texts = []
    for number, one in enumerate(part):
        if isinstance(one, str):
            texts.append(one)
        elif isinstance(one, Slot):
            texts.append(words(one))
            said = said - {one.name}
        else:
            rest = part[number + 1 :]
            option, share = _drawn(one, rest, said, rng)
            texts.append(_written(option, share, words, rng))
            said = said - share
    return "".join(texts)


def _drawn(
    choice: Choice, rest: Part, said: frozenset[str], rng: random.Random
) -> tuple[Part, frozenset[str]]:
    """One of the options and what it says, such that the rest can say what is left."""
    later = frozenset().union(*(way.may for way in _ways(rest)))
    options: list[Part] = [*choice.options, ()] if choice.optional else list(choice.options)
    rng.shuffle(options)
    candidates = [
        (option, share)
        for option in options
        for share in _shares(said & _may(option), said - later, rng)
        if _can(option, share) and _can(rest, said - share)
    ]
    return candidates[0]


def _can(part: Part, said: frozenset[str]) -> bool:
    return any(way.must <= said <= way.may for way in _ways(part))


def _may(part: Part) -> frozenset[str]:
    return frozenset().union(*(way.may for way in _ways(part)))


def _shares(
    can: frozenset[str], needed: frozenset[str], rng: random.Random
) -> list[frozenset[str]]:
    """Which of `can` an option may take: what nothing later says, and more of it or less."""
    if not needed <= can:
        return []
    free = sorted(can - needed)
    rng.shuffle(free)
    shares = [needed | frozenset(free[:n]) for n in range(len(free) + 1)]
    shares += [needed | {one} for one in free] + [can - {one} for one in free]
    return list(dict.fromkeys(shares))
