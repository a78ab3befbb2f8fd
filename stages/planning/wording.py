"""Words for what only an identifier names: enum values, arguments, booleans."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stages import language

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
APART = re.compile(r"[^0-9A-Za-z\u00c0-\uffff]+")
# What stands before a thing that is there and before one that is not, and between two.
BESIDE = {"en": ("with", "without", "and"), "de": ("mit", "ohne", "und")}
# What names of booleans begin with, though nobody says it.
BOOLEAN_PREFIX = re.compile(r"(is|has|have|include|includes|with|use|enable|allow)_")


def plain(value: object) -> str:
    """A value as somebody would say it that is an identifier to a function: `this_week` as "this
    week", FULL as "full".
    """
    text = str(value)
    if not isinstance(value, str):
        return text
    text = CAMEL.sub(" ", text).replace("_", " ").strip() if "_" in text or CAMEL.search(
        text) else text  # fmt: skip
    return (text.lower() if text.isupper() and len(text) > 3 else text) or str(value)


def named(identifier: str) -> str:
    """The name of an argument or a function as words: `partySize` as "party size"."""
    return (
        " ".join(re.split(r"[^0-9A-Za-z\u00c0-\uffff]+", CAMEL.sub(" ", identifier)))
        .strip()
        .lower()
    )


def booleans(name: str, locale: str) -> dict[bool, list[str]]:
    """Rough surfaces of a boolean argument, from its name alone."""
    there, not_there, _ = BESIDE.get(locale[:2], BESIDE["en"])
    words = named(BOOLEAN_PREFIX.sub("", CAMEL.sub("_", name).lower()))
    return {True: [f"{there} {words}"], False: [f"{not_there} {words}"]}


def joined(surfaces: Sequence[str], locale: str) -> str:
    """Several surfaces in one: "a, b and c"."""
    return str(language.of(locale).joined(surfaces))
