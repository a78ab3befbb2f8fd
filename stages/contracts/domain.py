"""A domain pack's domain.yaml: functions, content types, the words of the domain, the walks."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stages.contracts.command import InputError
from stages.contracts.settings import read_yaml, told
from stages.contracts.text import composed, each

Words = Annotated[list[str], Field(min_length=1)]


class Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Function(Block):
    """A callable function, as an OpenAI tool, with what the generator needs to know of it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    description: str
    parameters: dict[str, Any]
    max_words: Annotated[int, Field(gt=0)]
    verbs: Words
    openers: list[str] = []
    only_ai_generated: list[str] = []


class ContentType(Block):
    """`words`: how users name it (singular); `cues`: words that imply it when others are named."""

    words: list[str] = []
    cues: list[str] = []
    generic: list[str] = []
    has_assets: bool = True


class Step(Block):
    """One step of a walk: fill `slot` with a neighbour of slot `start` along `relation`.

    `typed`: only concepts whose label names the request's content type.
    """

    slot: str
    start: str
    relation: str
    typed: bool = False


class Walk(Block):
    """Start at a node of `kind`, call it `slot`, then take the steps."""

    slot: str
    kind: str
    typed: bool = False
    steps: list[Step]

    @property
    def slots(self) -> list[str]:
        """The names of all slots that the walk fills, in order."""
        return [self.slot, *(step.slot for step in self.steps)]


class Labelling(Block):
    """Words that the sub-prompt rules drop or keep; see stages/checking/subprompt.py.

    `searches`: functions that look up what exists, whose prompts drop the medium's word;
    `works`: words for a work with a title; `commands`: more verbs that belong to one function;
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
    works_dropped: list[str] = []
    works: list[str] = []
    commands: dict[str, list[str]] = {}
    soft_verbs: list[str] = []
    fillers: list[str] = []
    fixed: list[str] = []
    compounds: list[str] = []
    calendar: list[str] = []


class Domain(Block):
    """A checked domain.yaml."""

    name: str
    description: str
    label_argument: str
    text_argument: str
    locales: Words
    functions: Annotated[list[Function], Field(min_length=1)]
    content_types: dict[str, ContentType]
    walks: dict[str, Walk]
    # Relations that must not lead back to where they began, such as "is a kind of".
    acyclic: list[str] = []
    labelling: Labelling

    @model_validator(mode="after")
    def _consistent(self) -> Domain:
        names = [f.name for f in self.functions]
        if len(set(names)) != len(names):
            raise ValueError(f"functions: a name stands twice in {names}")
        for function in self.functions:
            properties = function.parameters.get("properties", {})
            for argument in (self.label_argument, self.text_argument):
                if argument not in properties:
                    raise ValueError(f"functions.{function.name}: no parameter `{argument}`")
            allowed = properties[self.label_argument].get("enum", [])
            if set(allowed) != set(self.content_types):
                raise ValueError(
                    f"functions.{function.name}: the enum of `{self.label_argument}` {allowed} "
                    f"differs from content_types {sorted(self.content_types)}"
                )
        for name, walk in self.walks.items():
            known = {walk.slot}
            for step in walk.steps:
                if step.start not in known:
                    raise ValueError(f"walks.{name}: step `{step.slot}` starts at unknown slot")
                known.add(step.slot)
        return self

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
        return Domain.model_validate(each(read_yaml(path), composed))
    except ValidationError as error:
        raise told(error, path) from None
