"""Template files of the routes: a YAML header between `---` lines, then a Jinja body.

A body of the heuristic route is one pattern a line; of the other routes it is one message.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from jinja2 import Template as Compiled
from jinja2 import TemplateSyntaxError, meta, nodes
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
from stages.core.command import InputError
from stages.core.domain import Domain, Slot, Words
from stages.core.sandbox import Bounded
from stages.core.settings import MOST_WORDS, SHOWN, Recipe, Weight, told
from stages.core.text import composed, each

PROMPTS = Path(__file__).parents[2] / "prompts"
# Folders of prompts that belong to no route's templates.
NO_ROUTES = ("system", "agents")
ASSET_SLOTS = ["title", "work_title", "keywords", "topics"]
COMMON = ["verb", "kind", "kinds", "pick", "function", "content_type", "min_words", "max_words"]
PICTURE = ["picture", "form", "colours", "shapes", "texts", "where"]
MOST_BYTES = 100_000
TURN = re.compile(r"^>> (system|user|assistant|begin)\s*$", re.MULTILINE)
# A line that was meant to begin a turn.
LIKE_TURN = re.compile(r"^\s*>>\s*(?:system|user|assistant|begin)\b", re.IGNORECASE)
# Combinations of function and content type that a template is tried with, at most.
TRIALS = 40


class Keywords(list[str]):
    """Keywords by position; past the end it starts again, so that patterns need not count."""

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(index % len(self)) if isinstance(index, int) else NotImplemented


class Header(BaseModel):
    """What a template is for; see prompts/README.md."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    route: Literal["heuristic", "text", "vision"]
    functions: Annotated[list[str], Field(min_length=1)]
    content_types: Annotated[list[str], Field(min_length=1)]
    words: tuple[int, int]
    locales: Annotated[list[str], Field(min_length=1)]
    weight: Weight
    sources: list[str] = []
    requires: list[Literal["work_title", "image_path"]] = []
    asset_types: list[str] = []
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


def _own(lists: dict[str, list[str]]) -> dict[str, list[str]]:
    if taken := sorted(set(lists) & {*COMMON, *ASSET_SLOTS, *PICTURE}):
        raise ValueError(f"{', '.join(taken)}: these names are taken; rename the list")
    return lists


LEXICON = TypeAdapter(Annotated[dict[Slot, Words], AfterValidator(_own)])


def lexicon(folder: Path = PROMPTS) -> dict[str, list[str]]:
    """Word lists that every pattern may use by name: prompts/lexicon.yaml."""
    path = folder / "lexicon.yaml"
    try:
        return LEXICON.validate_python(each(yaml.read(path), composed), strict=True)
    except ValidationError as error:
        raise told(error, path, yaml.text_of(path)) from None


def split(text: str) -> tuple[str, str, int]:
    """Header, body and the number of the body's first line, of a template file."""
    if not text.startswith("---\n") or "\n---\n" not in text[3:]:
        raise ValueError("no header: begin with a line `---`, the header, a line `---`")
    head, body = text[4:].split("\n---\n", 1)
    return head, body, head.count("\n") + 4


# A problem: the line of the file, and what is wrong and what to do.
Problem = tuple[int, str]


def problems(template: Template, domain: Domain, words: dict[str, list[str]]) -> list[Problem]:
    """All that is wrong with a template: unknown names, variables nobody fills, what cannot be
    filled.
    """
    header = template.header
    found: list[str] = []
    for name in header.functions:
        if name not in {f.name for f in domain.functions}:
            found.append(f"unknown function {name!r}")
    for name in [*header.content_types, *header.asset_types]:
        if name not in domain.content_types:
            found.append(f"unknown content type {name!r}")
    for name in header.locales:
        if name not in domain.locales:
            found.append(f"unknown locale {name!r}")
    if not 1 <= header.words[0] <= header.words[1] <= MOST_WORDS:
        found.append(f"words {list(header.words)} is no range of 1 to {MOST_WORDS}")
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
    if "asset" not in header.sources:
        needy = [name for name in ("requires", "asset_types") if getattr(header, name)]
        found += [f"{name} speaks of an asset: add asset to sources" for name in needy]
    has_picture = "asset" in header.sources and "image_path" in header.requires
    if header.route == "vision" and not has_picture:
        found.append(
            "a vision template needs a picture: `sources: [asset]` and `requires: [image_path]`"
        )
    filled.update(slots)
    if header.route == "vision":
        filled.update(PICTURE)
    told = [(2, problem) for problem in found]
    if not template.patterns:
        return [*told, (template.first, "the body is empty")]
    told += _badly_turned(template)
    compiled = []
    for part in template.parts:
        wrong, made = _compiled(part, filled, domain)
        told += wrong
        compiled.append((part, made))
    if not told:
        told += trial(compiled, samples(template, domain, words))
    return told


def _badly_turned(template: Template) -> list[Problem]:
    """What is wrong with the turns of a model's template."""
    if template.header.route == "heuristic":
        return []
    parts, told = template.parts, []
    lines = list(enumerate(template.text.splitlines(), template.first))
    told += [
        (number, f"{line.strip()!r} begins no turn: write one of >> system, user, assistant, begin")
        for number, line in lines
        if LIKE_TURN.match(line) and not TURN.match(line)
    ]
    mark = TURN.search(template.text)
    before = template.text[: mark.start()].splitlines() if mark else []
    if any(line.strip() and not line.lstrip().startswith("##") for line in before):
        told.append((template.first, "text before the first turn: put `>> user` above it"))
    roles = [part.role for part in parts]
    if "user" not in roles:
        told.append((template.first, "no turn `>> user`, which every chat model needs"))
    told += [(p.line, "`>> begin` may only be the last turn")
             for p in parts[:-1] if p.role == "begin"]  # fmt: skip
    if roles[-1] not in ("user", "begin"):
        told.append((parts[-1].line, f"the last turn is {roles[-1]}: it must be user or begin"))
    return told


def _compiled(
    part: Part, filled: set[str], domain: Domain
) -> tuple[list[Problem], Compiled | None]:
    """What is wrong with a pattern or turn before it is filled, and it compiled."""
    if "{" not in part.text:  # as it stands
        return [], None
    jinja = environment()
    told: list[Problem] = []
    try:
        parsed = jinja.parse(part.text)
        used = meta.find_undeclared_variables(parsed) - filled
        for name in sorted(used):
            walks = [walk for walk, found in domain.walks.items() if name in found.slots]
            sources = ["asset"] * (name in ASSET_SLOTS) + walks
            hint = f"; add {' or '.join(sources)} to sources" if sources else ""
            told.append((part.line, f"unknown variable {name!r}{hint}"))
        # The sandbox would refuse these too, but not before a query is written.
        inner = {(n.lineno, str(n.attr)) for n in parsed.find_all(nodes.Getattr)
                 if n.attr.startswith("_")}  # fmt: skip
        inner |= {
            (n.lineno, n.arg.value)
            for n in parsed.find_all(nodes.Getitem)
            if isinstance(n.arg, nodes.Const) and str(n.arg.value).startswith("_")
        }
        told += [(part.line + line - 1, f"reaches for Python's {n!r}") for line, n in sorted(inner)]
        return told, None if told else jinja.from_string(part.text, parsed)
    except TemplateSyntaxError as error:
        message = str(error.message)
        if part.role == "pattern" and "nexpected end of template" in message:
            message += " (each line is a pattern of its own: a block must end in its line)"
        return [(part.line + error.lineno - 1, message)], None
    except (SyntaxError, RecursionError, MemoryError, ValueError, ArithmeticError) as error:
        return [(part.line, f"too deeply nested or too long ({error})")], None


def samples(
    template: Template, domain: Domain, words: dict[str, list[str]]
) -> Iterator[dict[str, Any]]:
    """Variables as `stages.generation` fills them, for each function and content type of a
    template: by turns with all that there may be and with as little.
    """
    header = template.header
    pairs = list(islice(product(header.functions, header.content_types), TRIALS))
    for number, (function, kind) in enumerate(pairs if len(pairs) > 1 else 2 * pairs):
        rich = number % 2 == 0
        end = 0 if rich else -1
        names = domain.content_types[kind].words
        keywords = Keywords(["old barn", "dusk", "Red"] if rich else ["barn"])
        filled: dict[str, Any] = {name: entries[end] for name, entries in words.items()}
        filled |= {
            "verb": domain.function(function).verbs[end],
            "kind": names[end] if names else "",
            "kinds": plural(names[end]) if names else "",
            "pick": lambda choices, end=end: choices[end],
            "function": function, "content_type": kind,
            "min_words": header.words[0], "max_words": header.words[1],
        }  # fmt: skip
        for source in header.sources:
            if source == "asset":
                filled |= {"title": "An old barn at dusk" if rich else "Barn", "keywords": keywords,
                           "topics": keywords, "work_title": "Starry Night"}  # fmt: skip
                if not rich and "work_title" not in header.requires:
                    filled["work_title"] = None
            else:
                filled |= dict.fromkeys(domain.walks[source].slots, "old barn" if rich else "x")
        if header.route == "vision":
            filled |= PICTURED if rich else PLAIN
        yield filled


# What stages/generation/picture.py may say of a picture.
PICTURED = {
    "picture": 'tall, cream, olive; drawing; words in it: "Oyster Hour"', "form": "tall",
    "colours": ["cream", "olive", "red"], "shapes": ["a cream circle on the left"],
    "texts": ["Oyster Hour", "at noon"], "where": "at the top",
}  # fmt: skip
PLAIN = {"picture": "wide, black; photo", "form": "wide", "colours": ["black"], "shapes": [],
         "texts": [], "where": "in the middle"}  # fmt: skip


def trial(
    compiled: list[tuple[Part, Compiled | None]], filled: Iterator[dict[str, Any]]
) -> list[Problem]:
    """Fill patterns or turns with each set of variables; the first problem of each that fails."""
    told: dict[int, Problem] = {}
    for variables in filled:
        for number, (part, made) in enumerate(compiled):
            if made is None or number in told:
                continue
            try:
                made.render(variables)
            except Exception as error:  # whatever a template's code may raise
                line, message = part.line + line_of(error) - 1, failure(error)
                told[number] = (
                    line,
                    f"cannot be filled for {variables['function']} of "
                    f"{variables['content_type']}: {message}",
                )
    return [told[number] for number in sorted(told)]


def failure(error: Exception) -> str:
    """What went wrong in a template, on one line."""
    if isinstance(error, RecursionError):
        return "it calls itself without end"
    return f"{' '.join(str(error).split()) or type(error).__name__:.300}"


def line_of(error: Exception) -> int:
    """The line of the template's text in which rendering failed; 1 if that is unknown."""
    line, at = 1, error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == "<template>":
            line = at.tb_lineno
        at = at.tb_next
    return line


def load(domain: Domain, folder: Path = PROMPTS, route: str = "*") -> list[Template]:
    """The templates of one route or of all three, checked and filled once with sample values; every
    problem of every file in one InputError.
    """
    words = lexicon(folder)
    loaded, wrong = [], []
    for path in sorted(folder.glob(f"{route}/*.j2")):
        if path.parent.name in NO_ROUTES:
            continue
        name = f"{path.parent.name}/{path.stem}"
        head = ""
        try:
            head, body, first = split(composed(yaml.text_of(path, MOST_BYTES)))
            header = Header.model_validate(yaml.parse(head, path, first=2))
        except ValidationError as error:
            wrong.append(str(told(error, path, head, first=2)))
            continue
        except InputError as error:
            wrong.append(str(error))
            continue
        except ValueError as error:
            wrong.append(f"{path}:1: {error}")
            continue
        template = Template(name, header, body, first)
        found = problems(template, domain, words)
        if header.route != path.parent.name:
            found.append((2, f"route {header.route!r} differs from its folder"))
        wrong += [f"{path}:{line}: {problem}" for line, problem in found]
        loaded.append(template)
    if wrong:
        shown = wrong[:SHOWN] + [f"and {len(wrong) - SHOWN} more"] * (len(wrong) > SHOWN)
        raise InputError(f"{len(wrong)} problem(s) in {folder}:\n  " + "\n  ".join(shown))
    return loaded
