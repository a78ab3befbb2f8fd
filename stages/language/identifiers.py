"""Words for what only an identifier names: functions, arguments, enum values, booleans."""

from __future__ import annotations

import re

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_APART = re.compile(r"[^0-9A-Za-z\u00c0-\uffff]+")
# What stands before a thing that is there and before one that is not.
BESIDE = {"en": ("with", "without"), "de": ("mit", "ohne")}
# What names of booleans begin with, though nobody says it.
_BOOLEAN_PREFIX = re.compile(r"(is|has|have|include|includes|with|use|enable|allow)_")


def plain(value: object) -> str:
    """A value as somebody would say it that is an identifier to a function: `this_week` as "this
    week", FULL as "full".
    """
    if not isinstance(value, str):
        return str(value)
    text = value
    if "_" in text or _CAMEL.search(text):
        text = _CAMEL.sub(" ", text).replace("_", " ").strip()
    return (text.lower() if text.isupper() and len(text) > 3 else text) or value


def named(identifier: str) -> str:
    """The name of an argument or a function as words: `partySize` as "party size"."""
    return " ".join(_APART.sub(" ", _CAMEL.sub(" ", identifier)).lower().split())


def booleans(name: str, locale: str) -> dict[bool, list[str]]:
    """Rough surfaces of a boolean argument, from its name alone."""
    there, not_there = BESIDE.get(locale[:2], BESIDE["en"])
    words = named(_BOOLEAN_PREFIX.sub("", _CAMEL.sub("_", name).lower()))
    return {True: [f"{there} {words}"], False: [f"{not_there} {words}"]}
