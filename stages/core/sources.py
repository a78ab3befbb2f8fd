"""Argument sources: where the values of each argument of each function come from.

An entry of pack.yaml names a source; an argument without one gets its source from its schema
(`from_schema`). `resolve` brings both together, nested properties included.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from stages.core.catalogue import Catalogue, Function
from stages.core.source_kinds import MAX, Date, Integer, Number, SourceEntry, Time

# Share of the calls in which an optional argument is said, where the pack does not say.
DEFAULT_SHARE = 0.3
MAX_DEPTH = 8
# Kinds whose values have no words of their own in a request: never said; named by the words for a
# kind of thing; computed from the whole.
UNSAID = ("constant", "class", "derived")
# A thing of a world: its value comes from the state, and how it is named from what gives it.
ENTITY = "entity"


@dataclass(frozen=True)
class Source:
    """Where the values of one argument, or of one nested property, come from.

    kind: one of KINDS, or `object` (with `properties`) or `examples` (from the schema).
    settings: what the kind is declared with: an Integer, the name of a vocabulary, ... `of`: the
    source of a list's items. `is_declared`: by pack.yaml, not derived from the schema.
    """

    function: str
    path: tuple[str, ...]
    kind: str
    settings: Any
    schema: Mapping[str, Any]
    required: bool
    share: float = DEFAULT_SHARE
    agrees_with: str | None = None
    of: Source | None = None
    properties: tuple[Source, ...] = ()
    is_declared: bool = False

    @cached_property
    def key(self) -> str:
        """FUNCTION.ARGUMENT, nested FUNCTION.ARGUMENT.PROPERTY."""
        return ".".join((self.function, *self.path))

    @cached_property
    def slot(self) -> str:
        """ARGUMENT, nested ARGUMENT.PROPERTY: what a phrase asks for."""
        return ".".join(self.path)

    @property
    def is_said(self) -> bool:
        """Whether users say its value by words of its own: what the whole request tells, and
        constants, they do not.
        """
        return self.kind not in UNSAID

    @property
    def column(self) -> tuple[str, str]:
        """Of the kind `asset`: the name of its SQL file and of the column."""
        name, _, column = str(self.settings).partition(".")
        return name, column

    def leaves(self) -> Iterator[Source]:
        """The sources below it that have a value each: itself, or those of an object."""
        if self.kind != "object":
            yield self
        for one in self.properties:
            yield from one.leaves()


@dataclass(frozen=True)
class Lacking:
    """An argument without a source. `required`: no call is valid without it."""

    function: str
    path: tuple[str, ...]
    required: bool

    @property
    def key(self) -> str:
        return ".".join((self.function, *self.path))


def split_key(key: str, catalogue: Catalogue) -> tuple[str, tuple[str, ...]] | None:
    """FUNCTION.ARGUMENT[.PROPERTY...] as function (or "*") and path; None if it names nothing.

    Names of functions and of arguments may hold dots themselves.
    """
    if key.startswith("*."):
        for function in catalogue.functions:
            if (path := _path(key[2:], function.parameters)) is not None:
                return "*", path
        return None
    for name in sorted(catalogue.names, key=len, reverse=True):
        if key.startswith(f"{name}."):
            parameters = catalogue[name].parameters
            path = _path(key[len(name) + 1 :], parameters)
            if path is not None:
                return name, path
    return None


def _path(key: str, schema: Mapping[str, Any], depth: int = 0) -> tuple[str, ...] | None:
    properties = simplified(schema).get("properties", {})
    if key in properties:
        return (key,)
    if depth < MAX_DEPTH:
        for name, held in properties.items():
            if key.startswith(f"{name}."):
                rest = _path(key[len(name) + 1 :], held, depth + 1)
                if rest is not None:
                    return (name, *rest)
    return None


def simplified(schema: Any) -> dict[str, Any]:
    """A schema with the one branch of `anyOf` or `oneOf` and the one type that is not null.
    (References are resolved where a catalogue is loaded.)
    """
    for _ in range(MAX_DEPTH):
        if not isinstance(schema, dict):
            return {}
        branches = schema.get("anyOf") or schema.get("oneOf")
        if not isinstance(branches, list):
            break
        real = [b for b in branches if not (isinstance(b, dict) and b.get("type") == "null")]
        if not real or not isinstance(real[0], dict):
            break
        rest = {key: held for key, held in schema.items() if key not in ("anyOf", "oneOf")}
        schema = {**rest, **real[0]}
    if isinstance(kinds := schema.get("type"), list):
        real = [kind for kind in kinds if kind != "null"]
        schema = {**schema, "type": real[0] if real else "null"}
    return schema


def resolve(
    catalogue: Catalogue, entries: Mapping[str, SourceEntry],
    things: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[dict[str, tuple[Source, ...]], list[Lacking]]:  # fmt: skip
    """Function -> the sources of its arguments, in the schema's order; and what has none.

    entries: of pack.yaml; an exact key goes before one with `*`. things: function -> argument ->
    the entity that it takes, where a world has it.
    """
    sources: dict[str, tuple[Source, ...]] = {}
    lacking: list[Lacking] = []
    for function in catalogue.functions:
        taken = (things or {}).get(function.name, {})
        arguments = _Resolver(function, entries, lacking, taken).properties(
            (), function.parameters, True, 0
        )
        sources[function.name] = tuple(arguments)
    return sources, lacking


class _Resolver:
    """Walks through one function's schema."""

    def __init__(
        self, function: Function, entries: Mapping[str, SourceEntry], lacking: list[Lacking],
        things: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.function, self.entries, self.lacking = function, entries, lacking
        self.things = things

    def entry(self, path: tuple[str, ...]) -> SourceEntry | None:
        slot = ".".join(path)
        exact = self.entries.get(f"{self.function.name}.{slot}")
        return exact if exact is not None else self.entries.get(f"*.{slot}")

    def properties(
        self, path: tuple[str, ...], schema: Mapping[str, Any], needed: bool, depth: int
    ) -> list[Source]:
        """`needed`: whether every call needs the object that they stand in."""
        plain = simplified(schema)
        required = plain.get("required", [])
        sources = []
        for name, held in plain.get("properties", {}).items():
            one = self.source((*path, name), held, name in required, depth)
            if one is None:
                key = (self.function.name, (*path, name), needed and name in required)
                self.lacking.append(Lacking(*key))
            else:
                sources.append(one)
        return sources

    def source(
        self, path: tuple[str, ...], schema: Any, required: bool, depth: int
    ) -> Source | None:
        entry = self.entry(path)
        plain = simplified(schema)
        common: dict[str, Any] = {"schema": plain, "required": required}
        if entry is not None:
            common["is_declared"] = True
            common["agrees_with"] = entry.agrees_with
            if entry.share is not None:
                common["share"] = entry.share
        if len(path) == 1 and path[0] in self.things:
            return Source(self.function.name, path, ENTITY, self.things[path[0]], **common)
        if entry is not None and entry.kind is not None:
            of = None
            if entry.kind == "list":
                of = self.items(path, entry.list.of, plain) if entry.list else None
                of = replace(of, agrees_with=entry.agrees_with) if of else None
            return Source(self.function.name, path, entry.kind, entry.settings, of=of, **common)
        is_object = plain.get("type") == "object" or "properties" in plain
        if is_object and plain.get("properties") and depth < MAX_DEPTH:
            before = len(self.lacking)
            properties = self.properties(path, plain, required, depth + 1)
            needs = set(plain.get("required", ()))
            if not properties or needs - {one.path[-1] for one in properties}:
                del self.lacking[before:]
                return None
            return Source(
                self.function.name, path, "object", None, properties=tuple(properties), **common
            )
        derived = from_schema(plain)
        if derived is None:
            return None
        kind, settings = derived
        of = None
        if kind == "list":
            items = simplified(plain.get("items"))
            inner = from_schema(items)
            if inner is None or inner[0] in ("list", "object", "constant"):
                return None
            of = Source(self.function.name, path, *inner, schema=items, required=True)
        return Source(self.function.name, path, kind, settings, of=of, **common)

    def items(self, path: tuple[str, ...], entry: SourceEntry, plain: dict[str, Any]) -> Source:
        items = simplified(plain.get("items"))
        kind = entry.kind or "enum"
        return Source(self.function.name, path, kind, entry.settings, items, True)


def from_schema(schema: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The source that a simplified schema alone allows: kind and settings; None if it allows none.

    A string without an enum, a format or examples has none, and no more has a number without both
    bounds: a guess would teach values that nobody says.
    """
    kind = schema.get("type")
    if "const" in schema:
        return "constant", schema["const"]
    if schema.get("enum"):
        return "enum", True
    if kind == "boolean":
        return "boolean", None
    if schema.get("examples"):
        return "examples", None
    if kind in ("integer", "number") and (bounds := number_bounds(schema)):
        low, high, step = bounds
        if kind == "integer":
            return "integer", Integer(min=int(low), max=int(high), step=int(step))
        return "number", Number(min=low, max=high, step=step)
    if kind == "string" and schema.get("format") == "date":
        return "date", Date(days=[0, 60])
    if kind == "string" and schema.get("format") == "time":
        return "time", Time()
    if kind == "array":
        low = max(int(schema.get("minItems", 1)), 1)
        high = min(int(schema.get("maxItems", max(2, low))), 20)
        if high >= low:
            return "list", (low, high)
    return None


def number_bounds(schema: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Lowest value, highest value and step of a number's schema; None without both bounds."""
    is_integer = schema.get("type") == "integer"
    step = schema.get("multipleOf", 1)
    lows = [schema[k] for k in ("minimum", "exclusiveMinimum") if k in schema]
    highs = [schema[k] for k in ("maximum", "exclusiveMaximum") if k in schema]
    if not lows or not highs or not all(abs(n) <= MAX for n in (*lows, *highs)):
        return None
    if not is_integer and "multipleOf" not in schema and max(highs) - min(lows) < 20:
        step = 0.5 if max(highs) - min(lows) >= 2 else 0.1
    if is_integer:
        step = max(int(step), 1) if float(step).is_integer() else 1
    low = math.ceil(round(max(lows) / step, 9)) * step
    high = math.floor(round(min(highs) / step, 9)) * step
    if "exclusiveMinimum" in schema and low <= schema["exclusiveMinimum"]:
        low += step
    if "exclusiveMaximum" in schema and high >= schema["exclusiveMaximum"]:
        high -= step
    return (low, high, step) if low <= high else None


def coerced(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value in the type that the schema asks for, where that loses nothing: 7 as "7"."""
    kind = schema.get("type")
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, float) and value.is_integer() and kind == "integer":
        return int(value)
    return value
