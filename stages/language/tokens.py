"""The words of a text with their spans."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import regex

from stages.core.text import APOSTROPHES, folded

# Characters of a text that are read.
MAX_TEXT = 8_000

_LETTER = r"[\p{L}\p{M}]"
_TOKEN = regex.compile(
    rf"""(?P<clock>\p{{Nd}}{{1,2}}:\p{{Nd}}{{2}}(?![\p{{Nd}}:]))
    | (?P<number>(?<![\w.,])[-−](?=\p{{Nd}})\p{{Nd}}+(?:[.,]\p{{Nd}}+)*
        | \p{{Nd}}+(?:[.,]\p{{Nd}}+)*)
    | (?P<short>(?<!\p{{L}})\p{{L}}(?:\.\p{{L}})+(?!\p{{L}})\.?)
    | (?P<word>{_LETTER}+(?:[{APOSTROPHES}]{_LETTER}+)*)
    | (?P<sign>[\p{{S}}\#&@%]|\p{{No}}|\p{{Nl}})""",
    regex.VERBOSE,
)
# The possessive ending.
_POSSESSIVE = regex.compile(rf"[{APOSTROPHES}][sS]$")
_DROPPED = str.maketrans(dict.fromkeys(APOSTROPHES + ".", None))


class Token(NamedTuple):
    """A word, number or sign: its key to compare by, its characters' span, and which it is
    (`clock`, `number`, `word`, `sign`).
    """

    key: str
    start: int
    end: int
    kind: str


@lru_cache(4_096)
def tokens(text: str) -> Sequence[Token]:
    """The words, numbers and signs of a text; punctuation parts them and is left out.

    Keys have no case, no apostrophes and no possessive: "Mom's" is `mom`, "7 P.M." is `7`, `pm`.
    Linear in the text, of which the first MAX_TEXT characters count.
    """
    result = []
    for match in _TOKEN.finditer(text[:MAX_TEXT]):
        kind = match.lastgroup or ""
        key = match[0]
        if kind in ("word", "short"):
            key, kind = folded(_POSSESSIVE.sub("", key)).translate(_DROPPED), "word"
        elif kind in ("number", "clock") and not key.isascii():
            key = "".join(_ascii(c) for c in key)
        result.append(Token(key, match.start(), match.end(), kind))
    return tuple(result)


def is_contraction(word: str) -> bool:
    """Whether a word has an apostrophe that is not of a possessive: "we'd", not "mom's"."""
    return any(mark in _POSSESSIVE.sub("", word) for mark in APOSTROPHES)


def _ascii(character: str) -> str:
    """A digit of any script as 0 to 9; a minus as a hyphen."""
    if character == "−":
        return "-"
    digit = unicodedata.digit(character, None)
    return character if digit is None else str(digit)


@lru_cache(65_536)
def keys(text: str) -> tuple[str, ...]:
    """The keys of a text's tokens: what two ways of writing the same words share."""
    return tuple(token.key for token in tokens(text))
