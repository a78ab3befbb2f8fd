"""A pack's templates, prompts/PACK/ROUTE/*.j2: a YAML header between `---` lines, a Jinja body.

A body of the heuristic route is one pattern a line; of the other routes it is one message.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from stages.core import yaml
from stages.core.english import FILTERS
from stages.core.fields import Weight
from stages.core.frame import Words
from stages.core.pack_files import Name
from stages.core.sandbox import Bounded
from stages.core.settings import Recipe, input_error
from stages.core.text import composed, each

# What is always filled, beside the names of the pack's dimensions.
COMMON = ["verb", "kind", "kinds", "pick", "function", "locale", "min_words", "max_words"]
PICTURE = ["picture", "form", "colours", "shapes", "texts", "where"]
IMAGE = "image_path"
LEXICON = "lexicon.yaml"
# What stands between Jinja's braces, and the names in it.
JINJA, NAMES = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL), re.compile(r"[^\W\d]\w*")
TURN = re.compile(r"^>> (system|user|assistant|begin)\s*$", re.MULTILINE)


class Keywords(list[str]):
    """Keywords by position; past the end it starts again, so that patterns need not count."""

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(index % len(self)) if isinstance(index, int) else NotImplemented


class Header(BaseModel):
    """What a template is for; see prompts/README.md. values: dimension -> those of its values that
    the template serves, all where it is not named; items: column -> what the content items must
    have there, instead of the plan's own value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    route: Literal["heuristic", "text", "vision"]
    functions: Annotated[list[str], Field(min_length=1)]
    values: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    words: tuple[int, int]
    locales: Annotated[list[str], Field(min_length=1)]
    weight: Weight
    sources: list[str] = []
    requires: list[str] = []
    items: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    recipes: Annotated[list[Recipe], Field(min_length=1)] = ["router", "router_heuristic"]

    @field_validator("words", mode="before")
    @classmethod
    def _pair(cls, words: Any) -> Any:
        return tuple(words) if isinstance(words, list) else words

    def serves(self, recipe: Recipe) -> bool:
        """Whether the template belongs to a recipe; no pattern belongs to `router`."""
        return recipe in self.recipes and (recipe, self.route) != ("router", "heuristic")


class Part(NamedTuple):
    """What is filled by itself: a pattern, or a chat turn of `role`; `line` is where it begins."""

    line: int
    role: str
    text: str


@dataclass(frozen=True)
class Template:
    """A template file: `template_id` is ROUTE/NAME, `text` its body, which begins in line `first`
    of the file.
    """

    template_id: str
    header: Header
    text: str
    first: int = 1

    @property
    def digest(self) -> str:
        """Short hash of the body; changes when the prompt changes."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    @property
    def patterns(self) -> list[str]:
        """The body's lines without blank ones and `##` comments."""
        lines = (line.strip() for line in self.text.splitlines())
        return [line for line in lines if line and not line.startswith("##")]

    @property
    def parts(self) -> list[Part]:
        """The patterns of the heuristic route, the chat turns of the others."""
        if self.header.route != "heuristic":
            return turns(self.text, self.first)
        return [
            Part(number, "pattern", line.strip())
            for number, line in enumerate(self.text.splitlines(), self.first)
            if line.strip() and not line.strip().startswith("##")
        ]

    @cached_property
    def used(self) -> frozenset[str]:
        """The names in its Jinja, variables among them."""
        return frozenset(name for part in JINJA.findall(self.text) for name in NAMES.findall(part))


def turns(body: str, first: int = 1) -> list[Part]:
    """The chat turns of a body, which start with lines like `>> user`; else one user turn.

    A last turn `>> begin` is the beginning of the query: the model goes on from there. `first` is
    the line of the file in which the body begins.
    """
    marks = list(TURN.finditer(body))
    if not marks:
        return [Part(first, "user", body.strip())]
    ends = [mark.start() for mark in marks[1:]] + [len(body)]
    parts = []
    for mark, end in zip(marks, ends, strict=True):
        text = body[mark.end() : end]
        lead = len(text) - len(text.lstrip())
        line = first + body.count("\n", 0, mark.end() + lead)
        parts.append(Part(line, mark[1], text.strip()))
    return parts


@cache
def environment() -> Bounded:
    """Jinja without a way to Python's internals, bounded; an unknown variable is an error."""
    made = Bounded()
    made.filters.update(FILTERS)
    return made


def _own(lists: dict[str, list[str]]) -> dict[str, list[str]]:
    if taken := sorted(set(lists) & {*COMMON, *PICTURE}):
        raise ValueError(f"{', '.join(taken)}: these names are taken; rename the list")
    return lists


LISTS = TypeAdapter(Annotated[dict[Name, Words], AfterValidator(_own)])


def lexicon(folder: Path) -> dict[str, list[str]]:
    """Word lists that every template of a pack may use by name: prompts/PACK/lexicon.yaml, {}
    where there is none.
    """
    path = folder / LEXICON
    if not path.exists():
        return {}
    try:
        return LISTS.validate_python(each(yaml.read(path), composed), strict=True)
    except ValidationError as error:
        raise input_error(error, path, yaml.text_of(path)) from None


def split(text: str) -> tuple[str, str, int]:
    """Header, body and the number of the body's first line, of a template file."""
    if not text.startswith("---\n") or "\n---\n" not in text[3:]:
        raise ValueError("no header: begin with a line `---`, the header, a line `---`")
    head, body = text[4:].split("\n---\n", 1)
    return head, body, head.count("\n") + 4
