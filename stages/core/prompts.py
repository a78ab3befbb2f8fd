"""The templates of a pack, read and looked at: all that is wrong with all of them, at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, product
from typing import Any, NamedTuple

from jinja2 import Template as Compiled
from jinja2 import TemplateSyntaxError, meta, nodes
from pydantic import ValidationError

from stages.core import yaml
from stages.core.command import InputError
from stages.core.english import plural
from stages.core.pack import Pack
from stages.core.settings import MOST_WORDS, SHOWN, input_error
from stages.core.templates import (
    COMMON,
    IMAGE,
    PICTURE,
    TURN,
    Header,
    Keywords,
    Part,
    Template,
    environment,
    lexicon,
    split,
)
from stages.core.text import composed

# The prompt for models that see pictures, which has no header.
SEEING = "vision/seeing"
MOST_BYTES = 100_000
# A line that was meant to begin a turn.
LIKE_TURN = re.compile(r"^\s*>>\s*(?:system|user|assistant|begin)\b", re.IGNORECASE)
# Combinations of function and dimensions' values that a template is tried with, at most.
TRIALS = 40
# Content items that are looked at for what a column holds, of each SQL file.
LOOKED = 10_000
# A problem: the line of the file, and what is wrong and what to do.
Problem = tuple[int, str]
ASSET = "asset"


def values_of(pack: Pack, dimension: str) -> list[str]:
    """The values that a dimension of the pack's own may have, as far as a schema lists them."""
    values: dict[str, None] = {}
    for function, slot in pack.dimensions[dimension].items():
        source = pack.by_key[f"{function}.{slot}"]
        given = source.schema.get("enum", ()) if source.settings in (True, None) else ()
        given = source.settings if isinstance(source.settings, list) else given
        values.update(dict.fromkeys(map(str, given)))
    return list(values)


class Column(NamedTuple):
    """A column of content items: a value of it, None if it has none; whether items may lack it."""

    value: Any
    may_lack: bool


def columns(pack: Pack) -> dict[str, Column]:
    """The columns that the pack's content items have, judged by the first items."""
    by_name: dict[str, Column] = {}
    for rows in pack.ingested.rows.values() if pack.ingested else ():
        for row in rows[:LOOKED]:
            for name, value in row.columns.items():
                column = by_name.get(name, Column(None, False))
                if name not in by_name or value is None or column.value is None:
                    held = value if column.value is None else column.value
                    by_name[name] = Column(held, column.may_lack or value is None)
    return by_name


def problems(
    template: Template, pack: Pack, words: dict[str, list[str]], held: dict[str, Column]
) -> list[Problem]:
    """All that is wrong with a template: unknown names, variables nobody fills, what cannot be
    filled. held: of `columns`.
    """
    header = template.header
    messages: list[str] = []
    for name in header.functions:
        if name not in pack.catalogue:
            messages.append(f"unknown function {name!r}")
    for dimension, values in header.values.items():
        if dimension not in pack.dimensions:
            messages.append(f"values: unknown dimension {dimension!r}; the pack has "
                         f"{sorted(pack.dimensions)}")  # fmt: skip
            continue
        allowed = values_of(pack, dimension)
        messages += [
            f"values: unknown {dimension} {v!r}" for v in values if allowed and v not in allowed
        ]
    for name in header.locales:
        if name not in pack.locales:
            messages.append(f"unknown locale {name!r}")
    for name in [*header.requires, *header.items]:
        if name not in held and name != IMAGE:
            messages.append(
                f"no SQL file of assets gives a column {name!r}; they give {sorted(held)}"
            )
    if not 1 <= header.words[0] <= header.words[1] <= MOST_WORDS:
        messages.append(f"words {list(header.words)} is no range of 1 to {MOST_WORDS}")
    filled = {*COMMON, *pack.dimensions, *words}
    slots: list[str] = []
    for source in header.sources:
        if source == ASSET:
            slots += held
        elif source in pack.walks:
            slots += pack.walks[source].slots
        else:
            messages.append(f"unknown source {source!r}; it may be asset or {sorted(pack.walks)}")
    twice = sorted({name for name in slots if slots.count(name) > 1})
    messages += [f"several sources fill {name!r}" for name in twice]
    taken = sorted({*slots} & {*words} & template.used)
    messages += [f"{name!r} is a list of words and a slot: rename one" for name in taken]
    if ASSET not in header.sources:
        needy = [name for name in ("requires", "items") if getattr(header, name)]
        messages += [f"{name} speaks of an asset: add asset to sources" for name in needy]
    has_picture = ASSET in header.sources and IMAGE in header.requires
    if header.route == "vision" and not has_picture:
        messages.append(
            "a vision template needs a picture: `sources: [asset]` and `requires: [image_path]`"
        )
    filled.update(slots)
    for name in header.functions:
        leaves = [leaf for source in pack.sources.get(name, ()) for leaf in source.leaves()]
        filled |= {leaf.path[-1] for leaf in leaves if leaf.is_said}
    if header.route == "vision":
        filled.update(PICTURE)
    faults = [(2, problem) for problem in messages]
    if not template.patterns:
        return [*faults, (template.first, "the body is empty")]
    faults += _badly_turned(template)
    compiled = []
    for part in template.parts:
        wrong, made = _compiled(part, filled, pack, held)
        faults += wrong
        compiled.append((part, made))
    if not faults:
        faults += trial(compiled, samples(template, pack, words, held))
    return faults


def _badly_turned(template: Template) -> list[Problem]:
    """What is wrong with the turns of a model's template."""
    if template.header.route == "heuristic":
        return []
    parts, faults = template.parts, []
    lines = list(enumerate(template.text.splitlines(), template.first))
    faults += [
        (number, f"{line.strip()!r} begins no turn: write one of >> system, user, assistant, begin")
        for number, line in lines
        if LIKE_TURN.match(line) and not TURN.match(line)
    ]
    mark = TURN.search(template.text)
    before = template.text[: mark.start()].splitlines() if mark else []
    if any(line.strip() and not line.lstrip().startswith("##") for line in before):
        faults.append((template.first, "text before the first turn: put `>> user` above it"))
    roles = [part.role for part in parts]
    if "user" not in roles:
        faults.append((template.first, "no turn `>> user`, which every chat model needs"))
    faults += [(p.line, "`>> begin` may only be the last turn")
             for p in parts[:-1] if p.role == "begin"]  # fmt: skip
    if roles[-1] not in ("user", "begin"):
        faults.append((parts[-1].line, f"the last turn is {roles[-1]}: it must be user or begin"))
    return faults


def _compiled(
    part: Part, filled: set[str], pack: Pack, held: dict[str, Column]
) -> tuple[list[Problem], Compiled | None]:
    """What is wrong with a pattern or turn before it is filled, and it compiled."""
    if "{" not in part.text:  # as it stands
        return [], None
    jinja = environment()
    faults: list[Problem] = []
    try:
        parsed = jinja.parse(part.text)
        used = meta.find_undeclared_variables(parsed) - filled
        for name in sorted(used):
            walks = [walk for walk, way in pack.walks.items() if name in way.slots]
            sources = [ASSET] * (name in held) + walks
            hint = f"; add {' or '.join(sources)} to sources" if sources else ""
            faults.append((part.line, f"unknown variable {name!r}{hint}"))
        # The sandbox would refuse these too, but not before a query is written.
        inner = {(n.lineno, str(n.attr)) for n in parsed.find_all(nodes.Getattr)
                 if n.attr.startswith("_")}  # fmt: skip
        inner |= {
            (n.lineno, n.arg.value)
            for n in parsed.find_all(nodes.Getitem)
            if isinstance(n.arg, nodes.Const) and str(n.arg.value).startswith("_")
        }
        faults += [
            (part.line + line - 1, f"reaches for Python's {n!r}") for line, n in sorted(inner)
        ]
        return faults, None if faults else jinja.from_string(part.text, parsed)
    except TemplateSyntaxError as error:
        message = str(error.message)
        if part.role == "pattern" and "nexpected end of template" in message:
            message += " (each line is a pattern of its own: a block must end in its line)"
        return [(part.line + error.lineno - 1, message)], None
    except (SyntaxError, RecursionError, MemoryError, ValueError, ArithmeticError) as error:
        return [(part.line, f"too deeply nested or too long ({error})")], None


def samples(
    template: Template, pack: Pack, words: dict[str, list[str]], held: dict[str, Column]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is asked for, and variables as `stages.generation` fills them, for each function and
    dimensions' values of a template: by turns with all that there may be and with as little.
    """
    header = template.header
    frame = pack.frames.get(header.locales[0])
    axes = [header.values.get(name) or values_of(pack, name) or [""] for name in pack.dimensions]
    combined = list(islice(product(header.functions, *axes), TRIALS))
    for number, (function, *values) in enumerate(combined if len(combined) > 1 else 2 * combined):
        rich = number % 2 == 0
        end = 0 if rich else -1
        own = dict(zip(pack.dimensions, values, strict=True))
        names = frame.classes.get(own.get(frame.argument, ""), ()) if frame else ()
        verbs = frame.words.asks.get(function, [""]) if frame else [""]
        filled: dict[str, Any] = {name: entries[end] for name, entries in words.items()}
        leaves = [leaf for source in pack.sources[function] for leaf in source.leaves()]
        filled |= {leaf.path[-1]: "seven" for leaf in leaves if leaf.is_said}
        filled |= {
            "verb": verbs[end], "kind": names[end] if names else "",
            "kinds": plural(names[end]) if names else "",
            "pick": lambda choices, end=end: choices[end],
            "function": function, "locale": header.locales[0],
            "min_words": header.words[0], "max_words": header.words[1], **own,
        }  # fmt: skip
        for source in header.sources:
            if source == ASSET:
                filled |= {
                    name: _sample(column, rich, name in header.requires)
                    for name, column in held.items()
                }
            else:
                filled |= dict.fromkeys(pack.walks[source].slots, "old barn" if rich else "x")
        if header.route == "vision":
            filled |= PICTURED if rich else PLAIN
        yield " of ".join([function, *filter(None, values)]), filled


def _sample(column: Column, rich: bool, is_required: bool) -> Any:
    """A value like one of a column: the richest and the poorest that there may be."""
    value = column.value
    if not rich and not is_required and column.may_lack:
        return None
    if isinstance(value, list):
        return Keywords(["old barn", "dusk", "Red"] if rich else ["barn"])
    if isinstance(value, bool | int | float):
        return value
    return "An old barn at dusk" if rich else "Barn"


# What stages/generation/picture.py may say of a picture.
PICTURED = {
    "picture": 'tall, cream, olive; drawing; words in it: "Oyster Hour"', "form": "tall",
    "colours": ["cream", "olive", "red"], "shapes": ["a cream circle on the left"],
    "texts": ["Oyster Hour", "at noon"], "where": "at the top",
}  # fmt: skip
PLAIN = {"picture": "wide, black; photo", "form": "wide", "colours": ["black"], "shapes": [],
         "texts": [], "where": "in the middle"}  # fmt: skip


def trial(
    compiled: list[tuple[Part, Compiled | None]], filled: Iterator[tuple[str, dict[str, Any]]]
) -> list[Problem]:
    """Fill patterns or turns with each set of variables; the first problem of each that fails."""
    faults: dict[int, Problem] = {}
    for what, variables in filled:
        for number, (part, made) in enumerate(compiled):
            if made is None or number in faults:
                continue
            try:
                made.render(variables)
            except Exception as error:  # whatever a template's code may raise
                line, message = part.line + line_of(error) - 1, failure(error)
                faults[number] = (
                    line,
                    f"cannot be filled for {what}: {message}",
                )
    return [faults[number] for number in sorted(faults)]


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


def load(pack: Pack, route: str = "*") -> list[Template]:
    """The templates of one route or of all three, checked and filled once with sample values; every
    problem of every file in one InputError. pack: with what it ingested. [] for a pack without
    templates.
    """
    folder = pack.templates
    if folder is None:
        return []
    words, held = lexicon(folder), columns(pack)
    loaded, wrong = [], []
    for path in sorted(folder.glob(f"{route}/*.j2")):
        name = f"{path.parent.name}/{path.stem}"
        head = ""
        try:
            head, body, first = split(composed(yaml.text_of(path, MOST_BYTES)))
            header = Header.model_validate(yaml.parse(head, path, first=2))
        except ValidationError as error:
            wrong.append(str(input_error(error, path, head, first=2)))
            continue
        except InputError as error:
            wrong.append(str(error))
            continue
        except ValueError as error:
            wrong.append(f"{path}:1: {error}")
            continue
        template = Template(name, header, body, first)
        faults = problems(template, pack, words, held)
        if header.route != path.parent.name:
            faults.append((2, f"route {header.route!r} differs from its folder"))
        wrong += [f"{path}:{line}: {problem}" for line, problem in faults]
        loaded.append(template)
    if wrong:
        shown = wrong[:SHOWN] + [f"and {len(wrong) - SHOWN} more"] * (len(wrong) > SHOWN)
        raise InputError(f"{len(wrong)} problem(s) in {folder}:\n  " + "\n  ".join(shown))
    return loaded
