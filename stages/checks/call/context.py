"""What the checks of a call need: the pack's words in a locale, the day, the writer's prompt."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from stages.core.frame import Frame
from stages.core.pack import Pack
from stages.core.pack_files import INGESTED_KINDS
from stages.core.sources import UNSAID, Source
from stages.language.identifiers import booleans, named, plain
from stages.language.tokens import keys

# Kinds of sources whose values a text may say in any way that the locale knows.
MEASURED = ("integer", "number", "money", "date", "time")
# With more values than this a single word may be one of them by chance: of a thousand songs one is
# called "more".
OPEN = 60


# What a phrase asks for, in braces.
SLOT = re.compile(r"\{[^{}]*\}")


class Refusal(NamedTuple):
    """Why a candidate is refused: the check's name and its reason."""

    check: str
    reason: str


@dataclass(frozen=True)
class Slot:
    """How the values of one slot are said. kind: of `language.KINDS`, `string` where there is a
    list, and where the value is the words themselves; measure: what it is then, such as `date`.
    forms: the value as JSON -> all its surfaces.
    """

    name: str
    kind: str
    measure: str = ""
    forms: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it has so many values that a single word may be one of them by chance."""
        return len(self.forms) > OPEN


class Form(NamedTuple):
    """Words that say a value of a slot."""

    words: tuple[str, ...]
    slot: str
    value: str  # as JSON


@dataclass(frozen=True)
class Words:
    """The words of one function in one locale. index: first word -> the forms that begin with it.
    own: the words of the function's name and of its phrases outside of slots, which may be said
    whatever the arguments are ("forecast", also of a value `general`).
    """

    slots: Mapping[str, Slot]
    index: Mapping[str, Sequence[Form]]
    own: frozenset[str]

    @property
    def measures(self) -> frozenset[str]:
        """What its slots measure."""
        return frozenset(slot.measure for slot in self.slots.values())


@dataclass(frozen=True)
class Context:
    """What the checks need beside a query and its plan. today: the day on which it is said, None
    where the prompt names none. prompt, sentence: the prompt of a model, and the pattern's sentence
    that it had to reword, "" for a pattern itself. surfaces: of each call slot -> the words
    that a writer of patterns used, where they are not those of the plan. seen: what the picture
    shows that the query is about, "" without one.
    """

    pack: Pack
    locale: str
    today: datetime.date | None = None
    prompt: str = ""
    sentence: str = ""
    surfaces: Sequence[Mapping[str, str]] = ()
    seen: str = ""

    @property
    def frame(self) -> Frame | None:
        """What frames a request in the locale, where the pack says it."""
        return self.pack.frames.get(self.locale)

    def words(self, function: str) -> Words:
        """How the function's values are said."""
        return _words(_Key(self.pack), self.locale, function)


class _Key:
    """A pack as the key of a cache, by identity; it holds the pack, so its id stays its own."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack

    def __hash__(self) -> int:
        return id(self.pack)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.pack is self.pack


@lru_cache(4_096)
def _words(key: _Key, locale: str, function: str) -> Words:
    slots = {
        leaf.slot: _slot(leaf, key.pack, locale)
        for source in key.pack.sources.get(function, ())
        for leaf in source.leaves()
    }
    index: dict[str, dict[Form, None]] = {}
    for slot in slots.values():
        for value, forms in slot.forms.items():
            for form in forms:
                if words := keys(form):
                    index.setdefault(words[0], {})[Form(words, slot.name, value)] = None
    ordered = {
        first: sorted(candidates, key=lambda form: -len(form.words))
        for first, candidates in index.items()
    }
    phrases = key.pack.vocabulary(locale).phrases.get(function, ())
    own = {word for phrase in phrases for word in keys(SLOT.sub(" ", phrase))}
    return Words(slots, ordered, frozenset(own | {*named(function).split()}))


def _slot(source: Source, pack: Pack, locale: str) -> Slot:
    """The words of a leaf, of a list those of its items."""
    one = source.of or source
    in_words = one.kind in ("date", "time") and one.settings.as_ == "words"
    if one.kind in MEASURED:
        return Slot(source.slot, "string" if in_words else one.kind, one.kind)
    if one.kind in ("vocabulary", "text"):
        return Slot(source.slot, "string", forms=_entries(pack, one.settings, locale))
    if one.kind in UNSAID:
        return Slot(source.slot, "string")
    given = _named(source, pack, locale)
    if one.kind in INGESTED_KINDS:
        return _ingested(source, pack, locale, given)
    if one.kind == "boolean":
        rough = one.settings or booleans(source.path[-1], locale)
        given = given or {json.dumps(value): tuple(words) for value, words in rough.items()}
        return Slot(source.slot, "boolean", forms=given)
    key = "examples" if one.kind == "examples" else "enum"
    values = one.schema.get(key, ()) if one.settings in (True, None) else one.settings
    rough_forms: dict[str, tuple[str, ...]] = {
        _json(value): (plain(value),) for value in values if value is not None
    }
    return Slot(source.slot, "string", forms=rough_forms | given)


def _ingested(source: Source, pack: Pack, locale: str, given: Mapping[str, Sequence[str]]) -> Slot:
    """The words of what a content item or a concept gives: those of a vocabulary, and its own."""
    one = source.of or source
    kind = str(one.schema.get("type", "string"))
    if kind in ("integer", "number"):
        return Slot(source.slot, kind, kind, given)
    forms: dict[str, Sequence[str]] = {}
    for offer in pack.offers(replace(one, agrees_with=None), locale):
        for value in offer.value if isinstance(offer.value, list) else [offer.value]:
            forms.setdefault(
                _json(value), (plain(value),) if "enum" in one.schema else (str(value),)
            )
    if kind == "boolean":
        rough = booleans(source.path[-1], locale)
        forms = {_json(value): tuple(words) for value, words in rough.items()}
    return Slot(
        source.slot, "boolean" if kind == "boolean" else "string", forms=forms | dict(given)
    )


def _entries(pack: Pack, name: str, locale: str) -> dict[str, tuple[str, ...]]:
    """A vocabulary's values with their surfaces of every form."""
    by_value: dict[str, list[str]] = {}
    for entry in pack.entries(name, locale):
        surfaces = (surface for form in entry.forms.values() for surface in form)
        by_value.setdefault(_json(entry.value), []).extend(surfaces)
    return {value: tuple(dict.fromkeys(forms)) for value, forms in by_value.items()}


def _named(source: Source, pack: Pack, locale: str) -> dict[str, tuple[str, ...]]:
    """The surfaces that a vocabulary named like the argument gives to its values."""
    for name in (source.key, source.slot, source.path[-1]):
        if name in pack.vocabulary(locale).lists:
            return _entries(pack, name, locale)
    return {}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def forms_of(slot: Slot | None, value: Any) -> Iterable[str]:
    """The surfaces of a value of a slot."""
    return slot.forms.get(_json(value), ()) if slot else ()


def value_key(value: Any) -> str:
    """A value as `Slot.forms` names it."""
    return _json(value)
