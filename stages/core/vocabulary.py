"""vocabularies/<locale>.yaml of a pack: values with the words for them, phrases, chatter."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from stages.core import links
from stages.core.command import InputError
from stages.core.fields import CONTROL
from stages.core.frame import FrameWords
from stages.core.phrases import parse
from stages.core.settings import input_error
from stages.core.text import composed, each
from stages.core.yaml import line_of, read, text_of

# The form of a surface that a phrase asks for where it names none.
PLAIN = "plain"
PHRASES, CHATTER, FRAME = "phrases", "chatter", "frame"
# Of packs with worlds: how things are named.
REFERENCES, PICKS, SAID = "references", "picks", "said"
ENDS, VALUE = ("largest", "smallest"), "{value}"
# Entries of one list, and characters of one surface or phrase.
MAX_ENTRIES, MAX_SURFACE, MAX_PHRASE = 100_000, 500, 2_000

Of = TypeVar("Of")


@dataclass(frozen=True)
class Entry:
    """A value and the words for it: form -> surfaces, `plain` among them or, where only others are
    given, none. `attributes`: what else is known of the value, for `agrees_with`.
    """

    value: Any
    forms: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def surfaces(self) -> tuple[str, ...]:
        """The surfaces of the form `plain`, or of the first form."""
        return self.forms.get(PLAIN) or next(iter(self.forms.values()))

    def surfaces_of(self, form: str) -> tuple[str, ...]:
        """The surfaces of one form; the plain ones where the value does not have it."""
        return self.forms.get(form) or self.surfaces


@dataclass(frozen=True)
class Vocabulary:
    """One locale's words. lists: name -> entries; phrases: function -> patterns; chatter: requests
    that no function serves; frame: the words around what is asked for. Of packs with worlds:
    references: FUNCTION.COLUMN -> noun phrases for what the function gives there; picks:
    FUNCTION.COLUMN -> `largest` or `smallest` -> words for the row with that value; said: entity ->
    how it is said outright, with {value}.
    """

    locale: str
    lists: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    chatter: tuple[str, ...] = ()
    frame: FrameWords | None = None
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    picks: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def load(path: Path, pack: Path, locale: str) -> Vocabulary:
    """Read and check one vocabulary file; an empty one where the file is missing."""
    if not path.exists() and not path.is_symlink():
        return Vocabulary(locale)
    links.check(path, pack)
    given = each(read(path), composed)
    reader = _Reader(path)
    lists: dict[str, tuple[Entry, ...]] = {}
    phrases: dict[str, tuple[str, ...]] = {}
    chatter: tuple[str, ...] = ()
    frame: FrameWords | None = None
    references: dict[str, tuple[str, ...]] = {}
    picks: dict[str, dict[str, tuple[str, ...]]] = {}
    said: dict[str, tuple[str, ...]] = {}
    for name, value in given.items():
        if not isinstance(name, str):
            raise reader.error([str(name)], f"the name {name!r:.60} is no text: put it in quotes")
        if name == PHRASES:
            phrases = reader.by_key(value, name, "functions", reader.phrases)
        elif name == REFERENCES:
            references = reader.by_key(value, name, "FUNCTION.COLUMN", reader.phrases)
        elif name == PICKS:
            picks = reader.by_key(value, name, "FUNCTION.COLUMN", reader.ends)
        elif name == SAID:
            said = reader.by_key(value, name, "entities", reader.outright)
        elif name == CHATTER:
            chatter = reader.texts(value, [name], MAX_PHRASE)
        elif name == FRAME:
            try:
                frame = FrameWords.model_validate(value)
            except ValidationError as error:
                raise input_error(error, f"{path}: {FRAME}") from None
        else:
            lists[name] = reader.entries(value, [name])
    return Vocabulary(locale, lists, phrases, chatter, frame, references, picks, said)


class _Reader:
    """Turns what YAML holds into entries; its errors name file, line and key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def error(self, keys: list[str | int], message: str) -> InputError:
        line = line_of(text_of(self.path), keys)
        at = "" if line is None else f":{line}"
        return InputError(f"{self.path}{at}: {'.'.join(map(str, keys))}: {message}")

    def text(self, value: Any, keys: list[str | int], limit: int) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)  # a surface such as 7 need not stand in quotes
        if not isinstance(value, str):
            raise self.error(keys, f"{value!r:.60} is no text: put it in quotes")
        value = " ".join(value.split())
        if not value or CONTROL.search(value):
            raise self.error(keys, "is empty, or has a control character: remove it")
        if len(value) > limit:
            raise self.error(keys, f"{len(value)} characters; at most {limit}")
        return value

    def texts(self, value: Any, keys: list[str | int], limit: int) -> tuple[str, ...]:
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not value:
            raise self.error(keys, "must be a list of texts that is not empty")
        texts = (self.text(v, [*keys, i], limit) for i, v in enumerate(value))
        return tuple(dict.fromkeys(texts))

    def by_key(
        self, value: Any, name: str, of: str, reads: Callable[[Any, list[str | int]], Of]
    ) -> dict[str, Of]:
        """A mapping, each value of which `reads` reads."""
        if not isinstance(value, dict):
            raise self.error([name], f"must map {of} to lists")
        return {str(key): reads(held, [name, str(key)]) for key, held in value.items()}

    def ends(self, value: Any, keys: list[str | int]) -> dict[str, tuple[str, ...]]:
        if not isinstance(value, dict) or not value or not set(value) <= set(ENDS):
            raise self.error(keys, f"must map {' and '.join(ENDS)}, or one of them, to words")
        return {end: self.texts(held, [*keys, end], MAX_SURFACE) for end, held in value.items()}

    def outright(self, value: Any, keys: list[str | int]) -> tuple[str, ...]:
        texts = self.texts(value, keys, MAX_SURFACE)
        if not all(VALUE in text for text in texts):
            raise self.error(keys, f"each text must have {VALUE} in it")
        return texts

    def phrases(self, value: Any, keys: list[str | int]) -> tuple[str, ...]:
        phrases = self.texts(value, keys, MAX_PHRASE)
        for phrase in phrases:
            try:
                parse(phrase)
            except InputError as error:
                position = [*keys, value.index(phrase)] if phrase in value else keys
                raise self.error(position, str(error)) from None
        return phrases

    def value(self, value: Any, keys: list[str | int]) -> Any:
        if isinstance(value, datetime.date | datetime.time):
            raise self.error(keys, f"{value} is read as a date: put it in quotes")
        if isinstance(value, float) and not math.isfinite(value):
            raise self.error(keys, f"{value} is not a finite number")
        if value is not None and not isinstance(value, str | int | float | bool | list | dict):
            raise self.error(keys, f"{value!s:.60} is no text, number or list: put it in quotes")
        if isinstance(value, str):
            self.text(value, keys, MAX_PHRASE)
        return value

    def entries(self, value: Any, keys: list[str | int]) -> tuple[Entry, ...]:
        if isinstance(value, dict):
            entries = [
                Entry(self.value(one, [*keys, str(one)]), self.forms(forms, one, [*keys, str(one)]))
                for one, forms in value.items()
            ]
        elif isinstance(value, list):
            entries = [self.entry(one, [*keys, i]) for i, one in enumerate(value)]
        else:
            entries = []
        if not entries:
            raise self.error(keys, "must be a list of values, or map values to their surfaces")
        if len(entries) > MAX_ENTRIES:
            raise self.error(keys, f"{len(entries)} entries; at most {MAX_ENTRIES}")
        return tuple(entries)

    def entry(self, value: Any, keys: list[str | int]) -> Entry:
        if not isinstance(value, dict):
            return Entry(self.value(value, keys), self.forms(None, value, keys))
        if "value" not in value:
            raise self.error(keys, "an entry that is a mapping needs the key `value`")
        attributes = {
            str(name): self.value(held, [*keys, str(name)])
            for name, held in value.items()
            if name not in ("value", "forms")
        }
        one = self.value(value["value"], [*keys, "value"])
        forms = self.forms(value.get("forms"), one, [*keys, "forms"])
        return Entry(one, forms, attributes)

    def forms(self, given: Any, value: Any, keys: list[str | int]) -> dict[str, tuple[str, ...]]:
        """The surfaces by form; a value without any is its own surface."""
        if given is None:
            if isinstance(value, bool | list | dict) or value is None:
                raise self.error(keys, f"{value!r:.60} needs surfaces: list how people say it")
            return {PLAIN: (self.text(value, keys, MAX_SURFACE),)}
        if isinstance(given, dict):
            if not given:
                raise self.error(keys, "must map forms to lists of surfaces")
            return {
                str(form): self.texts(texts, [*keys, str(form)], MAX_SURFACE)
                for form, texts in given.items()
            }
        return {PLAIN: self.texts(given, keys, MAX_SURFACE)}
