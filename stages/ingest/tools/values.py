"""Types, enums, defaults and bounds of schemas that say something else than they mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from jsonschema import Draft202012Validator

from stages.ingest.tools.rows import Changes

# What is written for a type -> JSON Schema's type, and its format where one is meant.
ALIASES = {
    **dict.fromkeys(("dict", "map", "struct", "json", "hash"), ("object", None)),
    **dict.fromkeys(("list", "tuple", "set", "sequence"), ("array", None)),
    **dict.fromkeys(("float", "double", "decimal", "numeric"), ("number", None)),
    **dict.fromkeys(("int", "int32", "int64", "long", "short"), ("integer", None)),
    **dict.fromkeys(("str", "text", "file", "char", "uuid", "url"), ("string", None)),
    **dict.fromkeys(("datetime", "date-time", "timestamp"), ("string", "date-time")),
    "date": ("string", "date"),
    "time": ("string", None),
    "bool": ("boolean", None),
    "none": ("null", None),
}
TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
ANYTHING = ("any", "*", "", "mixed", "unknown")
NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
PAIRS = (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"),
         ("minProperties", "maxProperties"))  # fmt: skip
# Keywords that hold values, not schemas.
VALUES = ("enum", "const", "default", "examples")
LONGEST_PATTERN, MOST_EXAMPLES = 500, 3
# Types and examples that are looked at.
MOST_LOOKED_AT = 20
# Beyond it a float is no exact number, and arithmetic with it may fail.
LARGEST = 2**53


class Misfit(ValueError):
    """A value that its schema's type does not have."""


def types(held: Any, where: str, changes: Changes) -> tuple[list[str], str | None]:
    """The types of a schema without null, each once, and the format that one of them meant.

    `null` alone stays.
    """
    named = held.get("type")
    names: list[str] = []
    form = None
    listed = named if isinstance(named, list) else [] if named is None else [named]
    for one in listed[:MOST_LOOKED_AT]:
        name = one if one in TYPES else str(one).strip().lower()
        if name not in TYPES and name in ALIASES:
            name, form = ALIASES[name]
        if name in TYPES:
            names.append(name)
        if name != one:
            read = f"read as {name}" if name in TYPES else "left out"
            changes.say(f"{where}: type {one!r:.40} {read}")
    names = list(dict.fromkeys(names))
    if "number" in names and "integer" in names:
        names.remove("integer")
    if held.get("nullable") is True or (len(names) > 1 and "null" in names):
        changes.say(f"{where}: null left out")
        names = [name for name in names if name != "null"]
    if any(str(one).strip().lower() in ANYTHING for one in listed[:MOST_LOOKED_AT]):
        names = []
    return names, form


def fits(value: Any, kind: str) -> bool:
    """Whether a value has a type of JSON Schema's."""
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, int | float):
        whole = isinstance(value, int) or value.is_integer()
        return kind == "number" or (kind == "integer" and whole)
    return isinstance(value, {"string": str, "array": list, "object": dict}.get(kind, type(None)))


def of_type(value: Any, kinds: list[str]) -> Any:
    """`value`, or what it stands for in one of the types, as "5" for 5. Raises Misfit."""
    if not kinds or any(fits(value, kind) for kind in kinds):
        return value
    if "string" in kinds and isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, str) and len(value) < 40 and {*kinds} & {"integer", "number", "boolean"}:
        try:
            read = json.loads(value.lower(), parse_constant=lambda _: None)
        except ValueError:
            raise Misfit from None
        if any(fits(read, kind) for kind in kinds):
            return read
    raise Misfit


def enum(values: Any, kinds: list[str], where: str, changes: Changes) -> list[Any]:
    """The values of an enum that have one of the types, each once; none for what is no enum."""
    if not isinstance(values, list):
        changes.say(f"{where}: enum is no list: left out")
        return []
    kept, odd = [], 0
    for value in values:
        try:
            read = of_type(value, kinds)
        except Misfit:
            odd += 1
            continue
        if type(read) is not type(value):
            changes.say(f"{where}: enum values read as {kinds[0]}")
        if read is not None:
            kept.append(read)
    if None in values:
        changes.say(f"{where}: null left out of the enum")
    if odd > (None in values):
        changes.say(f"{where}: enum values that are no {' or '.join(kinds)} left out")
    return distinct(kept)


def distinct(values: Iterable[Any]) -> list[Any]:
    """The values, each once, as JSON tells them apart."""
    return list({json.dumps(value, sort_keys=True): value for value in values}.values())


def bounds(held: Any, where: str, changes: Changes) -> dict[str, Any]:
    """The bounds of a schema as the draft of 2020 has them: those that are none are left out, and
    both of a pair that no value keeps.
    """
    made: dict[str, Any] = {}
    for key in (*NUMBERS, *COUNTS):
        if held.get(key) is None:
            continue
        try:
            made[key] = _bound(key, held)
        except ValueError:
            changes.say(f"{where}: {key} {held[key]!r:.40} left out")
    for side in ("Minimum", "Maximum"):
        # A boolean in the draft of 2013, beside the bound that it is about.
        if held.get(f"exclusive{side}") in (True, False):
            made.pop(f"exclusive{side}", None)
            if held[f"exclusive{side}"] is True and side.lower() in made:
                made[f"exclusive{side}"] = made.pop(side.lower())
    for low, high in PAIRS:
        if low in made and high in made and made[low] > made[high]:
            changes.say(f"{where}: {low} is above {high}: both left out")
            del made[low], made[high]
    return made


def _bound(key: str, held: Any) -> Any:
    value = held[key]
    if key.startswith("exclusive") and isinstance(value, bool):
        return 0  # replaced by the bound that it is about
    value = of_type(value, ["number"] if key in NUMBERS else ["integer"])
    if abs(value) > LARGEST and key in COUNTS:
        raise ValueError
    if key == "multipleOf" and value <= 0:
        raise ValueError
    if key in COUNTS:
        if value < 0:
            raise ValueError
        return int(value)
    return value


def pattern(held: Any, where: str, changes: Changes) -> dict[str, str]:
    """The pattern of a schema, where Python can read it."""
    text = held.get("pattern")
    if text is None:
        return {}
    if isinstance(text, str) and len(text) <= LONGEST_PATTERN:
        try:
            re.compile(text)
            return {"pattern": text}
        except (re.error, OverflowError, RecursionError):
            pass
    changes.say(f"{where}: pattern {text!r:.60} left out, Python cannot read it")
    return {}


def default(held: Any, made: dict[str, Any], where: str, changes: Changes) -> dict[str, Any]:
    """The default of a schema, where the schema `made` of it takes that."""
    if "default" not in held:
        return {}
    value = held["default"]
    if value is None:
        changes.say(f"{where}: default null left out")
        return {}
    kinds = made.get("type", [])
    try:
        read = of_type(value, [kinds] if isinstance(kinds, str) else kinds)
        if takes(made, read):
            if type(read) is not type(value):
                changes.say(f"{where}: default {value!r:.40} read as {kinds}")
            return {"default": read}
    except Misfit:
        pass
    changes.say(f"{where}: default {value!r:.60} left out, the schema does not take it")
    return {}


def takes(schema: dict[str, Any], value: Any) -> bool:
    """Whether a schema takes a value, patterns apart: those of others may need hours."""
    try:
        return Draft202012Validator(_without_patterns(schema)).is_valid(value)
    except (ArithmeticError, ValueError):
        return False


def _without_patterns(schema: Any) -> Any:
    """A schema that `schemas` made without its patterns; what holds values stays as it is."""
    if isinstance(schema, list):
        return [_without_patterns(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {}
    for key, one in schema.items():
        if key == "properties":
            made[key] = {name: _without_patterns(inner) for name, inner in one.items()}
        elif key != "pattern":
            made[key] = one if key in VALUES else _without_patterns(one)
    return made


def examples(held: Any, kinds: list[str]) -> dict[str, list[Any]]:
    """The examples of a schema that are single values of its type, the first few."""
    named = held.get("examples")
    found = [*(named if isinstance(named, list) else [])[:MOST_LOOKED_AT], held.get("example")]
    kept = [one for one in found
            if isinstance(one, str | int | float) and len(str(one)) <= 100
            and any(fits(one, kind) for kind in kinds)]  # fmt: skip
    return {"examples": distinct(kept)[:MOST_EXAMPLES]} if kept else {}
