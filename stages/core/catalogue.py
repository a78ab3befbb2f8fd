"""The functions that a model may call: OpenAI tools, their arguments by JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError

from stages.core.command import InputError
from stages.core.conversation import Call
from stages.core.text import composed, each, is_valid

MAX_FUNCTIONS, MAX_BYTES = 5_000, 64 * 2**20
# References resolved, one inside another, and parts of a schema once they are.
MAX_DEPTH, MAX_PARTS = 12, 5_000
# OpenAI's names allow no dots; real catalogues have them.
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# Of a function's schema, what its references lead to.
HELD_FOR_REFERENCES = ("$defs", "definitions", "$schema", "$id")
# JSON Schema's keyword -> the code of the problem; that of every other keyword is `invalid`.
CODES = {
    "required": "missing_argument",
    "additionalProperties": "unknown_argument",
    "type": "wrong_type",
    "enum": "not_in_enum",
    "const": "not_in_enum",
    "format": "wrong_format",
    "pattern": "wrong_format",
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
                     "minLength", "maxLength"), "out_of_range"),
    **dict.fromkeys(("minItems", "maxItems", "uniqueItems", "contains", "prefixItems"),
                    "wrong_items"),
}  # fmt: skip


class Problem(NamedTuple):
    """Why a call is wrong. `code`: unknown_function, missing_argument, unknown_argument,
    wrong_type, not_in_enum, out_of_range, wrong_format, wrong_items or invalid. `argument`: the
    argument that it is about, if it is about one.
    """

    code: str
    argument: str | None
    text: str


@dataclass(frozen=True)
class Function:
    """A function; `parameters` is the JSON Schema of an object, without references."""

    name: str
    description: str
    parameters: dict[str, Any]

    @property
    def properties(self) -> dict[str, Any]:
        """The schema of each argument, in order."""
        return self.parameters.get("properties", {})

    @property
    def required(self) -> list[str]:
        """The arguments that every call has."""
        return self.parameters.get("required", [])

    @property
    def tool(self) -> dict[str, Any]:
        """The function as an OpenAI tool."""
        described = {"description": self.description} if self.description else {}
        function = {"name": self.name, **described, "parameters": self.parameters}
        return {"type": "function", "function": function}

    @cached_property
    def validator(self) -> Draft202012Validator:
        """What checks the arguments; others than the schema names are an error unless allowed."""
        schema = {"type": "object", "additionalProperties": False, **self.parameters}
        return Draft202012Validator(schema, format_checker=FormatChecker())


class Catalogue(Mapping[str, Function]):
    """Functions by name, in order."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self.functions = tuple(functions)
        self._by_name = {function.name: function for function in self.functions}

    def __getitem__(self, name: str) -> Function:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(self._by_name)

    @cached_property
    def tools(self) -> list[dict[str, Any]]:
        """The functions as OpenAI tools."""
        return [function.tool for function in self.functions]

    def subset(self, names: Iterable[str]) -> Catalogue:
        """The functions of these names, in their order; KeyError if there is none of a name."""
        return Catalogue(self[name] for name in names)


def problems(call: Call, catalogue: Mapping[str, Function]) -> list[Problem]:
    """What is wrong with a call; nothing if its function takes it."""
    function = catalogue.get(call.name)
    if function is None:
        return [Problem("unknown_function", None, f"no function is called {call.name!r:.80}")]
    return [problem for error in function.validator.iter_errors(call.arguments)
            for problem in _problems(error)]  # fmt: skip


def _problems(error: ValidationError) -> Iterator[Problem]:
    code = CODES.get(str(error.validator), "invalid")
    names: list[Any] = list(error.absolute_path)[:1]
    if code == "missing_argument":
        # There is one error per name; only its message says which.
        missing = [n for n in error.validator_value if f"{n!r} is a required" in error.message]
        names = names or missing
    elif code == "unknown_argument" and not names:
        properties = error.schema.get("properties", {})
        names = [n for n in error.instance if n not in properties]
    for name in names or [None]:
        yield Problem(code, None if name is None else str(name), f"{error.message:.300}")


def from_tools(tools: Sequence[Any], where: str = "tools") -> Catalogue:
    """The catalogue of OpenAI tools (wrapped in `function` or not) or of MCP's (`inputSchema`).

    References inside a function's own schema are replaced by what they refer to. Raises InputError,
    which names the function, for what is not a tool: a wrong name, an invalid schema, a reference
    that leads outside or into itself.
    """
    if not isinstance(tools, list) or not tools:
        raise InputError(f"{where}: expected a list of tools that is not empty")
    if len(tools) > MAX_FUNCTIONS:
        raise InputError(f"{where}: {len(tools)} functions; {MAX_FUNCTIONS} at most")
    functions: dict[str, Function] = {}
    for number, tool in enumerate(tools, 1):
        function = _function(tool, f"{where}, function {number}")
        if function.name in functions:
            raise InputError(f"{where}: two functions are called {function.name}: rename one")
        functions[function.name] = function
    return Catalogue(functions.values())


def _function(tool: Any, where: str) -> Function:
    held = tool.get("function", tool) if isinstance(tool, dict) else None
    if not isinstance(held, dict):
        raise InputError(f"{where}: expected an object with name, description and parameters")
    name = held.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InputError(
            f"{where}: the name {name!r:.80} must be 1 to 64 letters, digits, _, - or dots"
        )
    where = f"{where} ({name})"
    description = held.get("description") or ""
    if not isinstance(description, str):
        raise InputError(f"{where}: description must be text")
    schema: Any = next((held[key] for key in ("parameters", "inputSchema", "input_schema")
                   if held.get(key) is not None), {})  # fmt: skip
    if not isinstance(schema, dict):
        raise InputError(f"{where}: parameters must be a JSON Schema, {{type: object, ...}}")
    schema = _resolved(schema, where)
    schema = {"type": "object", "properties": {}, **schema}
    if schema["type"] != "object":
        raise InputError(f"{where}: parameters.type must be object, not {schema['type']!r:.60}")
    properties, required = schema["properties"], schema.get("required", [])
    if not isinstance(properties, dict) or not all(
        isinstance(one, dict) for one in properties.values()
    ):
        raise InputError(f"{where}: parameters.properties must map names to schemas")
    if not isinstance(required, list) or not all(one in properties for one in required):
        unknown = [one for one in required if one not in properties] if required else required
        raise InputError(f"{where}: parameters.required names no property: {unknown!r:.120}")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = ".".join(map(str, error.absolute_path))
        raise InputError(f"{where}: parameters.{path}: {error.message:.200}") from None
    return Function(name, " ".join(composed(description).split()), schema)


def _resolved(schema: dict[str, Any], where: str) -> dict[str, Any]:
    """`schema` with what its local references refer to in their place, and texts in NFC."""
    parts = 0

    def target_of(reference: str) -> Any:
        held: Any = schema
        for key in reference.removeprefix("#").strip("/").split("/"):
            key = key.replace("~1", "/").replace("~0", "~")
            if key and (not isinstance(held, dict) or key not in held):
                raise InputError(f"{where}: the reference {reference!r:.120} leads nowhere")
            held = held[key] if key else held
        return held

    def inlined(held: Any, depth: int) -> Any:
        nonlocal parts
        parts += 1
        if parts > MAX_PARTS or depth > 4 * MAX_DEPTH:
            raise InputError(f"{where}: the schema is too large or refers to itself without end")
        if isinstance(held, list):
            return [inlined(one, depth + 1) for one in held]
        if not isinstance(held, dict):
            return held
        reference = held.get("$ref")
        if isinstance(reference, str):
            if not reference.startswith("#"):
                raise InputError(
                    f"{where}: the reference {reference!r:.120} leads out of the schema: "
                    "put there what it refers to"
                )
            beside = {key: one for key, one in held.items() if key != "$ref"}
            target = target_of(reference)
            if not isinstance(target, dict):
                raise InputError(f"{where}: the reference {reference!r:.120} is to no schema")
            return inlined({**target, **beside}, depth + MAX_DEPTH // 3)
        left = HELD_FOR_REFERENCES if depth == 0 else ()
        return {key: inlined(one, depth + 1) for key, one in held.items() if key not in left}

    try:
        resolved = each(inlined(schema, 0), composed)
    except RecursionError:
        raise InputError(f"{where}: the schema is nested too deeply") from None
    if not is_valid(json.dumps(resolved, ensure_ascii=False)):
        raise InputError(f"{where}: the schema holds half a surrogate pair, which is no text")
    return resolved


def load(path: str | Path) -> Catalogue:
    """Read a catalogue: a JSON file with a list of tools, or an object that has it as `tools`."""
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES // 2**20} MiB")
        value = json.loads(path.read_text("utf-8-sig"), parse_constant=_no_number)
    except FileNotFoundError:
        raise InputError(f"{path} is missing: put the functions there, as OpenAI tools") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON: {error!s:.200}") from None
    if isinstance(value, dict) and isinstance(value.get("result"), dict):
        value = value["result"]  # as MCP's tools/list answers
    if isinstance(value, dict):
        value = value.get("tools", value.get("functions"))
    return from_tools(value, str(path))


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON's")
