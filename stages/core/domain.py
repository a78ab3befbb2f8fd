"""A domain pack's domain.yaml: functions, content types, the words of the domain, the walks."""

from __future__ import annotations

import json
import keyword
import math
import re
import unicodedata
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from stages.core import links
from stages.core.command import InputError
from stages.core.settings import CONTROL, MOST_WORDS, told
from stages.core.text import composed, each
from stages.core.yaml import read, text_of

MOST_FUNCTIONS = 1_000
# Python's names are what a call is written with.
PYTHON_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _word(text: str) -> str:
    if CONTROL.search(text) or text != " ".join(text.split()):
        raise ValueError("has blanks at an end or twice, or a control character: remove them")
    # Letters, marks, digits and symbols such as emoji; `&` is how some write `and`.
    if all(unicodedata.category(c)[0] in "PZC" for c in text) and text != "&":
        raise ValueError("has no letter, digit or symbol: remove it")
    return text


def _name(text: str) -> str:
    if not PYTHON_NAME.fullmatch(text) or keyword.iskeyword(text):
        raise ValueError(f"{text!r:.60} is not a name: letters, digits and _, no word of Python's")
    return text


# A word or phrase that people type; a name in calls and templates; a text of a few lines.
Word = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_word)]
Words = Annotated[list[Word], Field(min_length=1, max_length=20_000)]
SomeWords = Annotated[list[Word], Field(max_length=20_000)]
Slot = Annotated[str, Field(max_length=64), AfterValidator(_name)]
Description = Annotated[str, Field(min_length=1, max_length=10_000)]
# Slots that assets fill, and what every template has.
TAKEN = {"title", "work_title", "keywords", "topics", "verb", "kind", "kinds", "pick", "function",
         "content_type", "min_words", "max_words", "asset"}  # fmt: skip


class Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _plain(value: Any, place: str) -> None:
    """Raise ValueError for what JSON cannot hold: dates, infinite numbers, other keys than text."""
    if isinstance(value, dict):
        for key, held in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{place}: the key {key!r:.60} is no text: put it in quotes")
            _plain(held, f"{place}.{key:.60}")
    elif isinstance(value, list):
        for held in value:
            _plain(held, place)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place}: {value} is not a finite number")
    elif value is not None and not isinstance(value, str | int | float | bool):
        raise ValueError(f"{place}: {value!s:.60} is no text, number or list: put it in quotes")


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A function's `parameters`: JSON Schema of an object. That each keyword has a value of its
    kind is for `stages.check`, which has the library for it.
    """
    _plain(schema, "parameters")
    if schema.get("type") != "object":
        raise ValueError("parameters: `type: object` is missing")
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        raise ValueError("parameters.properties must map the names of arguments to their schemas")
    for name, held in properties.items():
        _name(name)
        if not isinstance(held, dict):
            raise ValueError(f"parameters.properties.{name} is no schema: write `type: string`")
        allowed = held.get("enum", [None])
        if not isinstance(allowed, list) or not allowed:
            raise ValueError(f"parameters.properties.{name}.enum must be a list that is not empty")
        if not isinstance(held.get("description", ""), str):
            raise ValueError(f"parameters.properties.{name}.description must be text")
    required = schema.get("required", [])
    if not isinstance(required, list):
        raise ValueError("parameters.required must be a list of names")
    for name in required:
        if not isinstance(name, str) or name not in properties:
            raise ValueError(f"parameters.required names {name!r:.60}, which is no property")
    return schema


class Function(Block):
    """A callable function, as an OpenAI tool, with what the generator needs to know of it."""

    name: Slot
    description: Description
    parameters: Annotated[dict[str, Any], AfterValidator(_schema)]
    max_words: Annotated[int, Field(gt=0, le=MOST_WORDS)]
    verbs: Words
    openers: SomeWords = []
    only_ai_generated: list[str] = []


class ContentType(Block):
    """`words`: how users name it (singular); `cues`: words that imply it when others are named;
    `hints`: words with which it may be meant though none names it.
    """

    words: SomeWords = []
    cues: SomeWords = []
    hints: SomeWords = []
    generic: SomeWords = []
    has_assets: bool = True


class Step(Block):
    """One step of a walk: fill `slot` with a neighbour of slot `start` along `relation`.

    `typed`: only concepts whose label names the request's content type.
    """

    slot: Slot
    start: Slot
    relation: Word
    typed: bool = False


class Walk(Block):
    """Start at a node of `kind`, call it `slot`, then take the steps."""

    slot: Slot
    kind: Word
    typed: bool = False
    steps: Annotated[list[Step], Field(max_length=100)]

    @property
    def slots(self) -> list[str]:
        """The names of all slots that the walk fills, in order."""
        return [self.slot, *(step.slot for step in self.steps)]


class Labelling(Block):
    """Words that the sub-prompt rules drop or keep; see stages/checks/subprompt.py.

    `searches`: functions that look up what exists, whose prompts drop the medium's word;
    `containers`: words that say no more after a type: logo ideas; `works`: words for a work with a
    title; `commands`: more verbs that belong to one function; `places`: prepositions of more words;
    `soft_verbs`: verbs only before an article or after a request, else nouns;
    `fixed`: phrases kept whole; `compounds`: words of a type that mean something else together;
    `calendar`: capitalised words that make no title.
    """

    requests: Words
    verbs: Words
    trailers: Words
    articles: Words
    pronouns: Words
    prepositions: Words
    conjunctions: Words
    searches: list[str] = []
    works_dropped: SomeWords = []
    containers: SomeWords = []
    works: SomeWords = []
    commands: dict[str, SomeWords] = {}
    soft_verbs: SomeWords = []
    fillers: SomeWords = []
    places: SomeWords = []
    fixed: SomeWords = []
    compounds: SomeWords = []
    calendar: SomeWords = []


class Domain(Block):
    """A checked domain.yaml."""

    name: Word
    description: Description
    label_argument: Slot
    text_argument: Slot
    locales: Words
    functions: Annotated[list[Function], Field(min_length=1, max_length=MOST_FUNCTIONS)]
    content_types: Annotated[dict[Word, ContentType], Field(min_length=1, max_length=1_000)]
    walks: dict[Slot, Walk]
    # Relations that must not lead back to where they began, such as "is a kind of".
    acyclic: list[str] = []
    labelling: Labelling

    @model_validator(mode="after")
    def _consistent(self) -> Domain:
        names = [f.name for f in self.functions]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"functions: a name stands twice: {', '.join(twice)}")
        if len(set(self.locales)) != len(self.locales):
            raise ValueError(f"locales: one stands twice in {self.locales}")
        if self.label_argument == self.text_argument:
            raise ValueError(f"label_argument and text_argument are both {self.text_argument!r}")
        for function in self.functions:
            self._check_arguments(function)
        for key, given in (("searches", self.labelling.searches),
                           ("commands", self.labelling.commands)):  # fmt: skip
            for name in given:
                if name not in names:
                    raise ValueError(f"labelling.{key}: no function is called {name!r:.60}")
        for name, walk in self.walks.items():
            if name in TAKEN:
                raise ValueError(f"walks.{name}: this name is taken; rename the walk")
            known = {walk.slot}
            for step in walk.steps:
                if step.start not in known:
                    raise ValueError(
                        f"walks.{name}: step `{step.slot}` starts at unknown slot {step.start!r}"
                    )
                if step.slot in known:
                    raise ValueError(f"walks.{name}: two steps fill `{step.slot}`")
                known.add(step.slot)
            if taken := sorted(known & TAKEN):
                raise ValueError(f"walks.{name}: the slot `{taken[0]}` is taken; rename it")
        return self

    def _check_arguments(self, function: Function) -> None:
        """Raise ValueError if a function's schema does not hold what labels consist of."""
        properties, where = function.parameters["properties"], f"functions.{function.name}"
        for argument in (self.label_argument, self.text_argument):
            if argument not in properties:
                raise ValueError(f"{where}: no parameter `{argument}`")
            if properties[argument].get("type", "string") != "string":
                raise ValueError(f"{where}: `{argument}` must be of type string")
        more = {*function.parameters.get("required", [])}
        if more := more - {self.label_argument, self.text_argument}:
            raise ValueError(
                f"{where}: requires {sorted(more)}, which no label has: make it optional"
            )
        allowed = properties[self.label_argument].get("enum", [])
        odd = [name for name in allowed if not isinstance(name, str)]
        if odd or len(set(allowed)) != len(allowed):
            raise ValueError(
                f"{where}: the enum of `{self.label_argument}` must list texts, each once: "
                f"{odd or allowed}"
            )
        if set(allowed) != set(self.content_types):
            raise ValueError(
                f"{where}: the enum of `{self.label_argument}` {allowed} "
                f"differs from content_types {sorted(self.content_types)}"
            )
        for name in function.only_ai_generated:
            if name not in self.content_types:
                raise ValueError(f"{where}.only_ai_generated: {name!r:.60} is no content type")

    @cached_property
    def tools(self) -> list[dict[str, Any]]:
        """The functions in the OpenAI tool format."""
        return [
            {
                "type": "function",
                "function": {
                    "name": f.name,
                    "description": f.description,
                    "parameters": f.parameters,
                },
            }
            for f in self.functions
        ]

    @cached_property
    def tools_json(self) -> str:
        return json.dumps(self.tools, ensure_ascii=False)

    @cached_property
    def type_words(self) -> dict[str, str]:
        """Lower-case type word -> content type; a word belongs to the first type that lists it."""
        found: dict[str, str] = {}
        for name, kind in self.content_types.items():
            for word in kind.words:
                found.setdefault(word.lower(), name)
        return found

    @cached_property
    def untyped(self) -> str | None:
        """The content type of a query that names no type: the one without words, if any."""
        return next((name for name, kind in self.content_types.items() if not kind.words), None)

    def type_of(self, noun: str) -> str | None:
        """The content type that a noun phrase names by its last words, or the untyped one."""
        words = noun.lower().split()
        for start in range(len(words)):
            if (found := self.type_words.get(" ".join(words[start:]))) is not None:
                return found
        return self.untyped

    def function(self, name: str) -> Function:
        """The function of that name; KeyError if there is none."""
        return next(f for f in self.functions if f.name == name)


def load(pack: str | Path) -> Domain:
    """Read and check PACK/domain.yaml."""
    path = Path(pack) / "domain.yaml"
    if not Path(pack).is_dir():
        raise InputError(f"pack {pack} is no folder: set `pack` in params.yaml")
    try:
        return Domain.model_validate(each(read(links.check(path, pack)), composed))
    except ValidationError as error:
        raise told(error, path, text_of(path)) from None
