"""Template files of the routes: a YAML header between `---` lines, then a Jinja body.

A body of the heuristic route is one pattern a line; of the other routes it is one message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from jinja2 import StrictUndefined, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.contracts.command import InputError
from stages.contracts.domain import Domain
from stages.contracts.settings import Recipe, read_yaml, told
from stages.contracts.text import composed, each

PROMPTS = Path(__file__).parents[2] / "prompts"
ASSET_SLOTS = ["title", "work_title", "keywords", "topics"]
COMMON = ["verb", "kind", "kinds", "pick", "function", "content_type", "min_words", "max_words"]
PICTURE = ["picture", "form", "colours", "shapes", "texts", "where"]


class Header(BaseModel):
    """What a template is for; see prompts/README.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    route: Literal["heuristic", "text", "vision"]
    functions: Annotated[list[str], Field(min_length=1)]
    content_types: Annotated[list[str], Field(min_length=1)]
    words: tuple[int, int]
    locales: Annotated[list[str], Field(min_length=1)]
    weight: Annotated[float, Field(ge=0)]
    sources: list[str] = []
    requires: list[Literal["work_title", "image_path"]] = []
    asset_types: list[str] = []
    recipes: Annotated[list[Recipe], Field(min_length=1)] = ["router", "router_heuristic"]

    def serves(self, recipe: Recipe) -> bool:
        """Whether the template belongs to a recipe; no pattern belongs to `router`."""
        return recipe in self.recipes and (recipe, self.route) != ("router", "heuristic")


@dataclass(frozen=True)
class Template:
    """A template file: `template_id` is ROUTE/NAME, `text` its body."""

    template_id: str
    header: Header
    text: str

    @property
    def digest(self) -> str:
        """Short hash of the body; changes when the prompt changes."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    @property
    def patterns(self) -> list[str]:
        """The body's lines without blank ones and `##` comments."""
        lines = (line.strip() for line in self.text.splitlines())
        return [line for line in lines if line and not line.startswith("##")]


def environment() -> ImmutableSandboxedEnvironment:
    """Jinja without a way to Python's internals; an unknown variable is an error."""
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    made.filters.update(FILTERS)
    return made


# Nouns without a plural, as far as packs have needed them.
UNCOUNTABLE = {
    "music", "art", "clipart", "footage", "audio", "lettering", "typography", "calligraphy",
    "text", "series", "stationery", "wheat", "lightning", "champagne", "rain", "snow", "fog",
    "mist", "smoke", "fire", "ice", "water", "sand", "grass", "moss", "ivy", "bamboo", "honey",
    "bread", "rice", "pasta", "sushi", "popcorn", "coffee", "tea", "wine", "beer", "milk",
    "chocolate", "cheese", "jewelry", "furniture", "luggage", "equipment", "makeup", "confetti",
    "glitter", "lace", "silk", "denim", "thread", "hay", "straw", "coral", "wildlife",
    "scenery", "sunshine", "sunlight", "moonlight", "fruit", "seafood", "salmon", "sheep",
    "deer", "fish", "moose", "bison", "aircraft", "spacecraft", "graffiti", "broccoli",
    "garlic", "lavender", "cash", "money", "mail", "traffic", "architecture", "pottery",
    "embroidery", "laundry", "garbage", "steam", "lava", "gold", "silver", "marble",
    "driftwood", "firewood", "stained", "ramen", "spaghetti", "tofu", "salsa", "guacamole",
    "kimchi", "kombucha", "lemonade", "juice", "cider", "cocoa", "cinnamon", "dough", "flour",
    "sugar", "salt", "soup", "oatmeal", "ash", "dust", "mud", "soil", "cotton", "wool", "yarn",
    "leather", "wood", "glass",
}  # fmt: skip


def article(text: str) -> str:
    """`text` with its indefinite article; none before a plural-looking or proper single word."""
    word = text.split(" ", 1)[0]
    if not word or word.lower() in {"a", "an", "the", "my", "our", "your", "some"}:
        return text
    if text.endswith("s") and not text.endswith(("ss", "us", "is")):
        return text
    if word == text and (word[0].isupper() or word.lower() in UNCOUNTABLE):
        return text
    vowel = word[0].lower() in "aeiou" and not word.lower().startswith(("uni", "use", "eu", "one"))
    return f"{'an' if vowel or word.startswith(('8', '11', '18')) else 'a'} {text}"


def plural(text: str) -> str:
    """The plural of an English noun phrase, by its last word."""
    if text.rsplit(" ", 1)[-1].lower() in UNCOUNTABLE or (
        text.endswith("s") and not text.endswith("ss")
    ):
        return text
    if text.endswith(("ss", "sh", "ch", "x")):
        return text + "es"
    if text.endswith("y") and text[-2:-1] not in "aeiou":
        return text[:-1] + "ies"
    return text + "s"


def lowered(text: str) -> str:
    """Lower case, as most people type."""
    return text.lower()


FILTERS: dict[str, Callable[[str], str]] = {"a": article, "plural": plural, "low": lowered}


def lexicon(folder: Path = PROMPTS) -> dict[str, list[str]]:
    """Word lists that every pattern may use by name: prompts/lexicon.yaml."""
    path = folder / "lexicon.yaml"
    lists = each(read_yaml(path), composed)
    for name, words in lists.items():
        if not isinstance(words, list) or not words or not all(isinstance(w, str) for w in words):
            raise InputError(f"{path}: {name} must be a list of words (quote numbers and yes/no)")
    return lists  # type: ignore[return-value]


def split(text: str) -> tuple[dict[str, Any], str]:
    """Header and body of a template file."""
    if not text.startswith("---\n") or "\n---\n" not in text[3:]:
        raise ValueError("no header: begin with a line `---`, the header, a line `---`")
    head, body = text[4:].split("\n---\n", 1)
    return YAML(typ="safe").load(head), body


def problems(template: Template, domain: Domain, words: dict[str, list[str]]) -> list[str]:
    """All that is wrong with a template: unknown names, variables nobody fills."""
    header, found = template.header, []
    for name in header.functions:
        if name not in {f.name for f in domain.functions}:
            found.append(f"unknown function {name!r}")
    for name in [*header.content_types, *header.asset_types]:
        if name not in domain.content_types:
            found.append(f"unknown content type {name!r}")
    for name in header.locales:
        if name not in domain.locales:
            found.append(f"unknown locale {name!r}")
    if not 1 <= header.words[0] <= header.words[1]:
        found.append(f"words {list(header.words)} is no range")
    filled = {*COMMON, *words}
    slots: list[str] = []
    for source in header.sources:
        if source == "asset":
            slots += ASSET_SLOTS
        elif source in domain.walks:
            slots += domain.walks[source].slots
        else:
            found.append(f"unknown source {source!r}; it may be asset or {sorted(domain.walks)}")
    twice = sorted({name for name in slots if slots.count(name) > 1})
    found += [f"several sources fill {name!r}" for name in twice]
    filled.update(slots)
    if header.route == "vision":
        filled.update(PICTURE)
    try:
        parsed = environment().parse(template.text)
        used = meta.find_undeclared_variables(parsed)
        found += [f"unknown variable {name!r}" for name in sorted(used - filled)]
        # The sandbox would refuse these too, but not before a query is written.
        inner = {str(n.attr) for n in parsed.find_all(nodes.Getattr) if n.attr.startswith("_")}
        inner |= {
            n.arg.value
            for n in parsed.find_all(nodes.Getitem)
            if isinstance(n.arg, nodes.Const) and str(n.arg.value).startswith("_")
        }
        found += [f"reaches for Python's {name!r}" for name in sorted(inner)]
    except TemplateSyntaxError as error:
        found.append(f"line {error.lineno}: {error.message}")
    if not template.patterns:
        found.append("the body is empty")
    return found


def load(domain: Domain, folder: Path = PROMPTS, route: str = "*") -> list[Template]:
    """The templates of one route or of all three, checked; every problem of every file in one
    InputError.
    """
    words = lexicon(folder)
    loaded, wrong = [], []
    for path in sorted(folder.glob(f"{route}/*.j2")):
        if path.parent.name == "system":
            continue
        name = f"{path.parent.name}/{path.stem}"
        try:
            head, body = split(composed(path.read_text("utf-8")))
            header = Header.model_validate(head)
        except ValidationError as error:
            wrong.append(str(told(error, path)))
            continue
        except (ValueError, YAMLError) as error:
            wrong.append(f"{path}: {error}")
            continue
        template = Template(name, header, body)
        found = problems(template, domain, words)
        if header.route != path.parent.name:
            found.append(f"route {header.route!r} differs from its folder")
        wrong += [f"{path}: {problem}" for problem in found]
        loaded.append(template)
    if wrong:
        raise InputError(f"{len(wrong)} problem(s) in {folder}:\n  " + "\n  ".join(wrong))
    return loaded
