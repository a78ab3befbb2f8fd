"""Schemas of others as JSON Schema's draft of 2020, without references, of bounded size.

Where something cannot be kept the schema is made wider or left without it, and that is said. Null
is left out: an argument that is not given says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from stages.ingest.tools import values
from stages.ingest.tools.descriptions import OF_ARGUMENT, described
from stages.ingest.tools.references import Dangling, target
from stages.ingest.tools.rows import TOO_LARGE, Changes, Draft, Refused

# Levels of nested schemas, tried one after another until all of a function's have at most MAX_PARTS
# values: what is deeper is any value of its type.
LEVELS = (5, 3, 2, 1)
MAX_PARTS = 1_500
# Values that are read, at most, for one function.
MOST_READ = len(LEVELS) * MAX_PARTS
# Keywords that narrow what they stand in, and which nothing here would keep right.
LEFT_OUT = ("not", "if", "then", "else", "patternProperties", "propertyNames", "contains",
            "dependentSchemas", "dependentRequired", "dependencies", "unevaluatedProperties",
            "unevaluatedItems", "minContains", "maxContains")  # fmt: skip
# What a function's own schema is called in messages.
ROOT = "parameters"
# Values of a constant or a default.
MOST_IN_VALUE = 100
# What says nothing about values.
NOTES = ("description", "default", "examples")


class TooLarge(Exception):
    """More than MAX_PARTS values."""


def _inside(value: Any) -> Iterator[Any]:
    """A value and all that is in it."""
    yield value
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in held:
        yield from _inside(one)


class Reader:
    """Reads the schemas of one function."""

    def __init__(self, root: Any, changes: Changes, levels: int) -> None:
        self.root, self.changes, self.levels = root, changes, levels
        self._left = MAX_PARTS

    def read(
        self, held: Any, where: str, depth: int = 0, opened: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """A schema. opened: the references that it stands inside. Raises TooLarge."""
        self._count(1)
        if isinstance(held, dict):
            held, opened = self._followed(held, where, opened)
        if not isinstance(held, dict):
            if held is not True:
                self.changes.say(f"{where}: no schema: any value")
            return {}
        kinds, form = values.types(held, where, self.changes)
        if not kinds and "type" not in held:
            kinds = ["object"] if isinstance(held.get("properties"), dict) else \
                ["array"] if "items" in held else []  # fmt: skip
        made: dict[str, Any] = {}
        if kinds:
            made["type"] = kinds[0] if len(kinds) == 1 else kinds
        texts = [held.get("description")]
        if description := described(texts, OF_ARGUMENT, where, self.changes):
            made["description"] = description
        if depth >= self.levels and any(
            key in held for key in ("properties", "items", "anyOf", "oneOf", "allOf")
        ):
            self.changes.say(f"{where}: cut, more than {self.levels} levels or {MAX_PARTS} values")
            return made
        self._values(held, kinds, form, made, where)
        self._array(held, kinds, made, where, depth, opened)
        self._object(held, kinds, made, where, depth, opened)
        made = self._all(held, made, where, depth, opened)
        made = self._any(held, made, where, depth, opened)
        for key in LEFT_OUT:
            if key in held:
                self.changes.say(f"{where}: {key} left out")
        if self._is_small(held.get("default"), where):
            made |= values.default(held, made, where, self.changes)
        return made

    def _count(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise TooLarge

    def _is_small(self, value: Any, where: str) -> bool:
        """Whether a constant or a default is of a size that somebody says."""
        small = sum(1 for _ in islice(_inside(value), MOST_IN_VALUE + 1)) <= MOST_IN_VALUE
        if not small:
            self.changes.say(f"{where}: a value of more than {MOST_IN_VALUE} values left out")
        return small

    def _followed(
        self, held: dict[str, Any], where: str, opened: tuple[str, ...]
    ) -> tuple[Any, tuple[str, ...]]:
        while isinstance(held, dict) and isinstance(reference := held.get("$ref"), str):
            beside = {key: one for key, one in held.items() if key != "$ref"}
            try:
                found = target(self.root, reference)
            except Dangling as error:
                self.changes.say(f"{where}: cut, {error}")
                return beside, opened
            if reference in opened:
                self.changes.say(f"{where}: cut, {reference:.100} leads into itself")
                known = {key: found[key] for key in ("type", "description")
                         if isinstance(found, dict) and key in found}  # fmt: skip
                return {**known, **beside}, opened
            opened = (*opened, reference)
            held = {**found, **beside} if isinstance(found, dict) else found
        return held, opened

    def _values(
        self, held: dict[str, Any], kinds: list[str], form: str | None, made: dict[str, Any],
        where: str,
    ) -> None:  # fmt: skip
        if "enum" in held:
            self._count(len(held["enum"]) if isinstance(held["enum"], list) else 1)
            if listed := values.enum(held["enum"], kinds, where, self.changes):
                made["enum"] = listed
        if held.get("const") is not None and self._is_small(held["const"], where):
            made["const"] = held["const"]
        name = held.get("format", form)
        if isinstance(name, str) and name:
            made["format"] = name
        made |= values.bounds(held, where, self.changes)
        made |= values.pattern(held, where, self.changes)
        made |= values.examples(held, kinds)

    def _array(
        self, held: dict[str, Any], kinds: list[str], made: dict[str, Any], where: str, depth: int,
        opened: tuple[str, ...],
    ) -> None:  # fmt: skip
        items = held.get("items")
        if isinstance(items, list):
            made["prefixItems"] = [self.read(one, f"{where}[]", depth + 1, opened) for one in items]
            if not items:
                del made["prefixItems"]
        elif isinstance(items, dict) and items:
            made["items"] = self.read(items, f"{where}[]", depth + 1, opened)
        elif "array" in kinds and items is None:
            self.changes.say(f"{where}: an array that does not say of what")
        if held.get("uniqueItems") is True:
            made["uniqueItems"] = True

    def _object(
        self, held: dict[str, Any], kinds: list[str], made: dict[str, Any], where: str, depth: int,
        opened: tuple[str, ...],
    ) -> None:  # fmt: skip
        properties, needed = held.get("properties"), []
        if isinstance(properties, dict) and properties:
            made["properties"] = {}
            for name, one in properties.items():
                inner = name if where == ROOT else f"{where}.{name}"
                if one is False or (isinstance(one, dict) and one.get("readOnly") is True):
                    self.changes.say(f"{inner}: left out, it is never sent")
                    continue
                made["properties"][name] = self.read(one, inner, depth + 1, opened)
                if isinstance(one, dict) and one.get("required") is True:
                    needed.append(name)  # as the draft of 2009 has it
        elif properties is not None and not isinstance(properties, dict):
            self.changes.say(f"{where}: properties are no object: left out")
        if needed := self._required(held, made, where, needed):
            made["required"] = needed
        others = held.get("additionalProperties")
        if isinstance(others, dict) and others:
            made["additionalProperties"] = self.read(others, f"{where}.*", depth + 1, opened)
        elif others is False:
            made["additionalProperties"] = False

    def _required(
        self, held: dict[str, Any], made: dict[str, Any], where: str, needed: list[str]
    ) -> list[str]:
        named = held.get("required")
        if named is None or isinstance(named, bool):
            return needed
        # What is required of an `allOf` may be a property of one of its parts.
        known = made.get("properties", {})
        if not isinstance(named, list):
            self.changes.say(f"{where}: required is no list: left out")
            return needed
        named = named[:MAX_PARTS]
        needed += [one for one in named if isinstance(one, str) and one in known]
        if "allOf" not in held and (odd := [one for one in named if one not in needed]):
            self.changes.say(f"{where}: required names no property: {str(odd)[:100]} left out")
        return list(dict.fromkeys(needed))

    def _all(
        self, held: dict[str, Any], made: dict[str, Any], where: str, depth: int,
        opened: tuple[str, ...],
    ) -> dict[str, Any]:  # fmt: skip
        branches = held.get("allOf")
        if not isinstance(branches, list):
            return made
        for branch in branches:
            made = merged(made, self.read(branch, where, depth, opened))
        named = held.get("required")
        named = named[:MAX_PARTS] if isinstance(named, list) else []
        more = [one for one in named if isinstance(one, str) and one in made.get("properties", {})]
        if needed := list(dict.fromkeys([*made.get("required", []), *more])):
            made["required"] = needed
        return made

    def _any(
        self, held: dict[str, Any], made: dict[str, Any], where: str, depth: int,
        opened: tuple[str, ...],
    ) -> dict[str, Any]:  # fmt: skip
        for key in ("anyOf", "oneOf"):
            branches = held.get(key)
            if not isinstance(branches, list):
                continue
            real = [branch for branch in branches if not _is_null(branch)]
            if len(real) < len(branches):
                self.changes.say(f"{where}: null left out")
            read = [self.read(branch, where, depth + 1, opened) for branch in real]
            read = values.distinct(read)
            if len(read) == 1 and read[0]:
                made = merged(made, read[0])
            elif read and (listed := _as_enum(read)) and "enum" not in made:
                made = merged(made, listed)
            elif read and all(read) and "anyOf" not in made:
                made["anyOf"] = read
                if key == "oneOf":
                    self.changes.say(f"{where}: oneOf read as anyOf")
            elif read:
                self.changes.say(f"{where}: {key} left out, a branch of it takes anything")
        return made


def _is_null(branch: Any) -> bool:
    return isinstance(branch, dict) and (
        branch.get("type") in ("null", ["null"]) or branch.get("enum") == [None]
        or ("const" in branch and branch["const"] is None)
    )  # fmt: skip


def _as_enum(branches: list[dict[str, Any]]) -> dict[str, Any] | None:
    """One enum of branches that are single values or lists of them, of one type."""
    found: list[Any] = []
    for branch in branches:
        if not {*branch} <= {"type", "const", "enum", "description", "title"}:
            return None
        if "const" not in branch and "enum" not in branch:
            return None
        found += branch.get("enum", []) if "const" not in branch else [branch["const"]]
    kinds = values.distinct(branch.get("type") for branch in branches)
    made: dict[str, Any] = {} if len(kinds) > 1 or kinds[0] is None else {"type": kinds[0]}
    return made | {"enum": values.distinct(found)}


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """What keeps both schemas. Of notes, and of one property in both, the first's stays; what else
    both say in different ways stands as `allOf`.
    """
    made, rest = dict(first), {}
    for key, one in second.items():
        if key not in made:
            made[key] = one
        elif key == "properties":
            made[key] = {**one, **made[key]}
        elif key == "required":
            made[key] = list(dict.fromkeys([*made[key], *one]))
        elif key == "allOf":
            made[key] = [*made[key], *one]
        elif key not in NOTES and one != made[key]:
            rest[key] = one
    if rest:
        made["allOf"] = [*made.get("allOf", []), rest]
    return made


def as_arguments(schema: dict[str, Any], changes: Changes) -> dict[str, Any]:
    """A function's own schema as one object whose properties are the arguments: those of the
    branches of its `anyOf` and `allOf` are among them, and required is what all branches require.
    """
    made = {key: one for key, one in schema.items() if key not in ("anyOf", "allOf", *NOTES)}
    properties, needed = dict(made.get("properties", {})), list(made.get("required", []))
    for branch in _objects(schema.get("allOf")):
        properties = {**branch.get("properties", {}), **properties}
    branches = list(_objects(schema.get("anyOf")))
    for branch in branches:
        properties = {**branch.get("properties", {}), **properties}
    if branches:
        changes.say("what only some branches of anyOf have are optional arguments")
        needed += [one for one in branches[0].get("required", [])
                   if all(one in branch.get("required", []) for branch in branches)]  # fmt: skip
    made = {"type": "object", **made, "properties": properties}
    if needed:
        made["required"] = list(dict.fromkeys(needed))
    return made


def _objects(branches: Any) -> Iterator[dict[str, Any]]:
    yield from (one for one in branches or () if one.get("properties"))


def fitting(build: Callable[[int, Changes], Draft], changes: Changes) -> Draft:
    """What `build(levels, changes)` gives with the most levels at which it has at most MAX_PARTS
    values. Raises Refused where even the fewest are too many.
    """
    for tries, levels in enumerate(LEVELS):
        tried = Changes()
        try:
            made = build(levels, tried)
        except TooLarge:
            continue
        number = sum(1 for _ in _inside(made.parameters))
        if number <= MAX_PARTS:
            for text in tried.all():
                changes.say(text)
            return made._replace(read=tries * MAX_PARTS + number)
    raise Refused(TOO_LARGE, f"more than {MAX_PARTS} values in its schema at any depth")
