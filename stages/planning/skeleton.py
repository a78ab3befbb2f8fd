"""The skeleton of a pack from a catalogue: every choice with what its schema suggests, commented.

What is guessed from a name alone says so; an argument for which nothing can be guessed stands there
as a comment to fill in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stages.core.catalogue import Catalogue, Function
from stages.core.pack_files import (
    CATALOGUE,
    DEFAULT_SCENARIOS,
    GOLDEN,
    PACK,
    POPULATION,
    VOCABULARIES,
)
from stages.core.source_kinds import MAX
from stages.core.sources import DEFAULT_SHARE, MAX_DEPTH, from_schema, simplified
from stages.core.vocabulary import MAX_PHRASE
from stages.planning import wording

PLAIN_KEY = re.compile(r"[A-Za-z_][\w.-]*")
# What words in the name of an argument suggest, where the schema says nothing.
DATES = {"date", "day", "when", "birthday", "deadline", "arrival", "departure"}
TIMES = {"time", "hour", "clock"}
AMOUNTS = {"price", "amount", "budget", "cost", "fee", "salary", "payment", "total"}
LONGEST = 70
SLOT = re.compile(r"[^\s:{}]+")


@dataclass(frozen=True)
class Suggestion:
    """What to write for an argument. `yaml`: its source, or what it could be where `is_open`;
    comment: why.
    """

    key: str
    yaml: str
    comment: str
    required: bool
    is_open: bool = False


@dataclass(frozen=True)
class Skeleton:
    """files: path within the pack -> text; open: the arguments without a source, as
    FUNCTION.ARGUMENT with whether it is required.
    """

    files: Mapping[str, str]
    open: list[tuple[str, bool]]


def skeleton(name: str, catalogue: Catalogue, locale: str = "en") -> Skeleton:
    """The files of a new pack."""
    by_function = {f.name: list(suggestions(f)) for f in catalogue.functions}
    files = {
        CATALOGUE: json.dumps(catalogue.tools, indent=2, ensure_ascii=False) + "\n",
        PACK: _pack(name, catalogue, by_function, locale),
        POPULATION: _population(catalogue, locale),
        f"{VOCABULARIES}/{locale}.yaml": _vocabulary(catalogue, by_function),
        GOLDEN: "",
        "README.md": _readme(name, locale),
    }
    missing = [(s.key, s.required) for group in by_function.values() for s in group if s.is_open]
    return Skeleton(files, missing)


def suggestions(function: Function) -> Iterator[Suggestion]:
    """One for each argument and nested property of a function, in the schema's order."""
    yield from _inside(function, (), function.parameters, True, 0)


def _inside(
    function: Function, path: tuple[str, ...], schema: Any, needed: bool, depth: int
) -> Iterator[Suggestion]:
    plain = simplified(schema)
    required = plain.get("required", [])
    for name, property_schema in plain.get("properties", {}).items():
        inner = simplified(property_schema)
        here = (*path, name)
        is_required = name in required
        if inner.get("properties") and depth < MAX_DEPTH:
            if not is_required:
                key = ".".join((function.name, *here))
                yield Suggestion(key, f"{{share: {DEFAULT_SHARE}}}", "optional object", False)
            yield from _inside(function, here, inner, needed and is_required, depth + 1)
        else:
            yield _suggestion(function, here, inner, is_required, needed and is_required)


def _suggestion(
    function: Function, path: tuple[str, ...], schema: Mapping[str, Any], required: bool,
    needed: bool,
) -> Suggestion:  # fmt: skip
    key, name = ".".join((function.name, *path)), path[-1]
    share = "" if required else f", share: {DEFAULT_SHARE}"
    kind = str(schema.get("type", "any type"))
    text, comment, is_open = None, "", False
    derived = from_schema(schema)
    if derived is not None:
        text, comment = _derived(schema, derived), "from its schema"
    if text is None:
        text, comment = _guessed(name, kind, schema), "guessed from its name and type: look at it"
    if text is None:
        vocabulary = re.sub(r"\W+", "_", name)
        source = f"vocabulary: {vocabulary}"
        if kind == "array":
            source = f"list: {{of: {{{source}}}, count: [1, 2]}}"
        text, is_open = source, True
        comment = f"TODO no source: list values as `{vocabulary}` in the vocabularies, then"
    description = " ".join(str(schema.get("description", "")).split())[:LONGEST]
    need = "required" if required else "optional"
    explanation = f"{kind}, {need}; {comment}" + (f" ({description})" if description else "")
    return Suggestion(key, f"{{{text}{share}}}", explanation, needed, is_open)


def _derived(schema: Mapping[str, Any], derived: tuple[str, Any]) -> str | None:
    kind, settings = derived
    if kind == "enum":
        return "enum: true"
    if kind == "constant":
        return f"constant: {json.dumps(settings, ensure_ascii=False)}"
    if kind in ("integer", "number"):
        step = "" if settings.step == 1 else f", step: {_figure(settings.step)}"
        return f"{kind}: {{min: {_figure(settings.min)}, max: {_figure(settings.max)}{step}}}"
    if kind == "date":
        return "date: {days: [0, 60]}"
    if kind == "time":
        return 'time: {from: "00:00", to: "23:45", step: 15}'
    if kind == "list":
        items = simplified(schema.get("items"))
        if items.get("enum"):
            return f"list: {{of: {{enum: true}}, count: [{settings[0]}, {settings[1]}]}}"
    return None


def _figure(number: float) -> str:
    """A number as YAML of the same value: whole ones of a million and more are no 1e+06."""
    return str(int(number)) if float(number).is_integer() else f"{number:.12g}"


def _guessed(name: str, kind: str, schema: Mapping[str, Any]) -> str | None:
    words = set(wording.named(name).split())
    if kind == "boolean":
        there, not_there = (wording.booleans(name, "en")[flag][0] for flag in (True, False))
        return f"boolean: {{true: [{_quoted(there)}], false: [{_quoted(not_there)}]}}"
    if kind == "string" and re.search(r"\bHH:MM(?!:)", str(schema.get("description", ""))):
        return 'time: {from: "08:00", to: "20:00", step: 15}'
    if schema.get("examples"):
        return None
    if kind == "string" and "format" not in schema and "pattern" not in schema:
        if words & DATES:
            return "date: {days: [0, 60], as: words}"
        if words & TIMES:
            return "time: {step: 15, as: words}"
    if kind in ("integer", "number"):
        low = int(schema.get("minimum", 1))
        high = int(schema.get("maximum", max(low + 9, 10)))
        if low > high or max(-low, high) > MAX:
            return None
        if words & AMOUNTS:
            high = int(schema.get("maximum", max(low, 200)))
            return f"money: {{min: {low}, max: {high}, currency: USD}}"
        return f"{kind}: {{min: {low}, max: {high}}}"
    return None


def _quoted(text: str) -> str:
    """A text as YAML of one line, in quotes where it needs them."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9 ]*", text)
    is_word = text.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return text if plain and not is_word and text == text.strip() else json.dumps(text)


def _key(key: str) -> str:
    return key if PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _pack(
    name: str, catalogue: Catalogue, by_function: Mapping[str, list[Suggestion]], locale: str
) -> str:
    lines = [
        f"# The pack {name}: where the values of the arguments come from. `python -m stages.check`",
        "# says what is still missing.",
        f"name: {name}",
        "# What the functions are for, in a sentence; writers of the text route are told it.",
        f"description: {json.dumps('An assistant with ' + str(len(by_function)) + ' functions.')}",
        "# The languages that users write in; each has its vocabularies/<locale>.yaml.",
        f"locales: [{locale}]",
        "# The source of each argument. vocabulary: a list in vocabularies/; integer, number,",
        "# money, date, time: a range; enum: the values of the schema; boolean: words for true and",
        "# false; list: several of another source; text: free text from a list; constant: never",
        "# said. share: of the calls in which an optional argument is said. agrees_with: another",
        "# argument whose value its entries name, as a dish its cuisine. `*.ARGUMENT` is for all",
        "# functions. Data that you have, one SELECT a file (README, Your own functions):",
        "# {asset: dishes.name} is a column of assets/dishes.sql; {graph: {start: cuisine,",
        "# relations: [serves]}} a walk in graph/concepts.sql and relations.sql, from a kind.",
        "arguments:",
    ]
    for function in catalogue.functions:
        description = " ".join(function.description.split())[:LONGEST]
        lines.append(f"  # {function.name}: {description}".rstrip(" :"))
        for one in by_function[function.name]:
            mark = "# " if one.is_open else ""
            lines += [f"  # {one.comment}", f"  {mark}{_key(one.key)}: {one.yaml}"]
    lines += [
        "# Arguments of one function of which at most one is said, such as",
        "# [[play.track, play.album]].",
        "exclusive: []",
        "# Arguments whose values the population has shares of, such as {cuisine: order.cuisine}.",
        "dimensions: {}",
    ]
    return "\n".join(lines) + "\n"


def _population(catalogue: Catalogue, locale: str) -> str:
    lines = [
        "# How often users ask for what: counts or shares of any scale.",
        "functions:",
        *(f"  {_key(function.name)}: 1" for function in catalogue.functions),
        "# single: a request for one call; no_call: one that no function serves; missing_argument:",
        "# one that lacks a required argument; missing_function: one for a function not shown.",
        f"scenarios: {{{', '.join(f'{k}: {v:g}' for k, v in DEFAULT_SCENARIOS.items())}}}",
        f"locales: {{{locale}: 1}}",
        "# Words of a query at quantiles, for all functions or for one by its name. Without them",
        "# lengths are as the phrases make them.",
        '# words: {"*": {0: 2, 0.5: 8, 1: 25}}',
    ]
    return "\n".join(lines) + "\n"


def _vocabulary(catalogue: Catalogue, by_function: Mapping[str, list[Suggestion]]) -> str:
    lines = [
        "# How people say things. A list of values, or values with their surfaces:",
        "#   city: [paris, rome]",
        "#   cuisine: {vegan: [vegan, plant based]}",
        "#   dish: [{value: ramen, forms: [ramen, a bowl of ramen], cuisine: noodles}]",
    ]
    for function in catalogue.functions:
        for name, schema in function.parameters.get("properties", {}).items():
            plain = simplified(schema)
            plain = simplified(plain.get("items")) or plain
            values = [value for value in plain.get("enum", ()) if isinstance(value, str) and value]
            if values:
                lines.append(f"# Words for the values of {function.name}.{name}; add others.")
                lines.append(f"{_key(f'{function.name}.{name}')}:")
                lines += [
                    f"  {json.dumps(value, ensure_ascii=False)}: [{_quoted(wording.plain(value))}]"
                    for value in dict.fromkeys(values)
                ]
    lines += [
        "# Phrases by function: (a|b) are alternatives, [...] may be left out, {argument} is its",
        "# value. These are rough, made from names and descriptions: write at least eight of each",
        "# function as people speak, since their variety is what the model learns from.",
        "phrases:",
    ]
    for function in catalogue.functions:
        lines.append(f"  {_key(function.name)}:")
        lines += [f"    - {json.dumps(phrase, ensure_ascii=False)}" for phrase in rough(
            function, by_function[function.name])]  # fmt: skip
    lines += [
        "# Requests that no function serves; without them general ones are taken.",
        "# chatter: [tell me a joke, who are you]",
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return re.sub(r"([\\(){}\[\]|])", r"\\\1", text)


def rough(function: Function, suggested: list[Suggestion]) -> list[str]:
    """Rough phrases of a function, from its name and description."""
    description = function.description.split(". ")[0].strip().rstrip(".")
    acts = [_escaped(wording.named(function.name))]
    if description and len(description) <= LONGEST:
        acts.append(_escaped(description[:1].lower() + description[1:]))
    slots = []
    for one in suggested:
        slot = one.key[len(function.name) + 1 :]
        if one.yaml.startswith("{share:") or not SLOT.fullmatch(slot):
            continue  # of a name that no slot can have the general adjunct is left
        words = _rough_slot(slot, one)
        if one.yaml.startswith("{boolean:"):
            words = f"{{{slot}}}"
        elif one.yaml.startswith("{constant:"):
            continue
        slots.append((f" {words}" if one.required else f"[ {words}]", one.required))
    made = [_phrase(acts[0], slots), _phrase(f"(can you|please|) {acts[-1]}", slots)]
    return list(dict.fromkeys(made))


def _phrase(act: str, slots: list[tuple[str, bool]]) -> str:
    """A phrase with as many of the slots as one can hold, in their order; those that are required
    (True) go before others where not all fit.
    """
    left, kept = MAX_PHRASE - len(act), set()
    for number in sorted(range(len(slots)), key=lambda n: not slots[n][1]):
        if len(slots[number][0]) <= left:
            kept.add(number)
            left -= len(slots[number][0])
    return act + "".join(slots[number][0] for number in sorted(kept))


def _rough_slot(slot: str, one: Suggestion) -> str:
    """The name of an argument and its slot, in the order in which people say them: "3 nights"."""
    name, placeholder = wording.named(slot.rpartition(".")[2]), f"{{{slot}}}"
    words = name.split(" ")
    if one.yaml.startswith("{date:") and words[-1] in DATES:
        return placeholder
    if one.yaml.startswith("{time:") and words[-1] in TIMES:
        return f"at {placeholder}"
    is_count = one.yaml.startswith(("{integer:", "{number:"))
    if is_count and words[0].endswith("s") and not words[0].endswith("ss"):
        return f"{placeholder} {_escaped(name)}"
    return f"{_escaped(wording.named(slot))} {placeholder}"


def _readme(name: str, locale: str) -> str:
    return f"""# {name}

Set `pack: data/domains/{name}` in params.yaml, then `python -m stages.check`.

{PACK} says where the values of the arguments come from, {VOCABULARIES}/{locale}.yaml how people say
them, {POPULATION} how often they ask for what. {GOLDEN} holds labeled queries for scoring only, one
JSON object a line:

    {{"query": "...", "function": "...", "arguments": {{}}}}
    {{"query": "...", "act": "refuse"}}
    {{"query": "...", "act": "ask", "function": "...", "missing": "...", "arguments": {{}}}}
"""
