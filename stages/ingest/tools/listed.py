"""Tools in lists: OpenAI's, Anthropic's, MCP's `tools/list`, and what is like them.

They are found wherever they stand in a file: in `tools` or `functions`, a request, a flow, a line
of JSON lines, a text that is JSON. Schemas stand in `parameters`, `inputSchema`, `input_schema` or
`arguments`, as JSON Schema or as a list of arguments.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stages.core.catalogue import NAME
from stages.ingest.tools import names
from stages.ingest.tools.descriptions import OF_FUNCTION, described
from stages.ingest.tools.rows import NOT_A_FUNCTION, Changes, Draft, Operation, Refused
from stages.ingest.tools.schemas import ROOT, Reader, as_arguments

LISTS = ("tools", "functions", "function_declarations", "functionDeclarations")
WRAPPERS = ("function", "toolSpec", "custom")
SCHEMAS = ("parameters", "inputSchema", "input_schema", "arguments")
# Kinds of tools that are functions; others are what a platform has of its own.
FUNCTIONS = ("function", "custom", "object", "tool")
# Conversations hold calls, which look like functions.
NOT_INSIDE = ("messages", "examples", "example")
# Characters of a text that may be JSON.
LONGEST_TEXT = 2_000_000


def operations(file: str, value: Any) -> Iterator[Operation]:
    """Each tool in a file, in order."""
    for number, raw in enumerate(_found(value, ()), 1):
        yield Operation(file, _label(raw, number), raw)


def _label(raw: Any, number: int) -> str:
    name = _name(_held(raw)) if isinstance(raw, dict) else ""
    return name[:200] or f"tool {number}"


def _held(tool: dict[str, Any]) -> dict[str, Any]:
    """The tool without what it is wrapped in."""
    return next((tool[key] for key in WRAPPERS if isinstance(tool.get(key), dict)), tool)


def _name(held: dict[str, Any]) -> str:
    name = held.get("name", held.get("id"))
    return name if isinstance(name, str) else ""


def _is_tool(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    held = _held(value)
    return bool(_name(held)) and (
        any(isinstance(held.get(key), dict | list) for key in SCHEMAS)
        or (held is not value and "description" in held)
    )


def _found(value: Any, keys: tuple[str, ...]) -> Iterator[Any]:
    """The tools inside a value. keys: of the list that it stands in."""
    if isinstance(value, str) and keys and value.lstrip()[:1] in ("[", "{"):
        value = _read(value)
    if isinstance(value, list):
        if keys or any(_is_tool(one) for one in value):
            for one in value:
                inside = isinstance(one, dict) and any(key in one for key in LISTS)
                yield from _inside(one) if inside and not _is_tool(one) else [one]
        else:
            for one in value:
                yield from _found(one, ())
    elif isinstance(value, dict):
        if keys and not any(key in value for key in LISTS):
            # Functions by their names.
            yield from ({"name": name, **one} if isinstance(one, dict) else one
                        for name, one in value.items())  # fmt: skip
        elif _is_tool(value):
            yield value
        else:
            yield from _inside(value)


def _inside(value: dict[str, Any]) -> Iterator[Any]:
    for key, one in value.items():
        if key in LISTS:
            yield from _found(one, (key,))
        elif key not in NOT_INSIDE and isinstance(one, dict | list):
            yield from _found(one, ())


def _read(text: str) -> Any:
    try:
        return json.loads(text[:LONGEST_TEXT])
    except (ValueError, RecursionError):
        return text


def draft(operation: Operation, levels: int, changes: Changes) -> Draft:
    """The function that a tool is. Raises Refused, TooLarge."""
    raw = operation.raw
    if not isinstance(raw, dict):
        raise Refused(NOT_A_FUNCTION, f"a tool must be an object, not {raw!r:.60}")
    held = _held(raw)
    name = _name(held)
    schema = next((held[key] for key in SCHEMAS if held.get(key) is not None), None)
    kind = raw.get("type")
    if isinstance(kind, str) and kind not in FUNCTIONS and schema is None:
        raise Refused(NOT_A_FUNCTION, f"a tool of the platform, of type {kind!r:.60}")
    if not name:
        raise Refused(NOT_A_FUNCTION, "it has no name")
    called = held.get("api_call")
    if not NAME.fullmatch(name) and isinstance(called, str) and NAME.fullmatch(called):
        changes.say(f"named after its api_call, not {name!r:.80}")
        name = called
    annotations = held.get("annotations")
    title = annotations.get("title") if isinstance(annotations, dict) else None
    texts = [held.get("description") or held.get("desc") or held.get("title") or title]
    description = described(texts, OF_FUNCTION, "function", changes)
    schema = _schema(held, schema, changes)
    read = Reader(schema, changes, levels).read(schema, ROOT)
    return Draft(name, description, _arguments(as_arguments(read, changes), changes))


def _schema(held: dict[str, Any], schema: Any, changes: Changes) -> dict[str, Any]:
    """The schema of a tool's arguments as one object, whatever form it has."""
    if isinstance(schema, dict) and isinstance(schema.get("json"), dict):
        schema = schema["json"]  # as Bedrock has it
    if isinstance(schema, list):
        return _of_list(schema, changes)
    if isinstance(schema, dict):
        known = {"type", "properties", "$ref", "allOf", "anyOf", "oneOf", "required"}
        if schema and not known & {*schema} and all(isinstance(v, dict) for v in schema.values()):
            changes.say("parameters are read as the properties")
            return {"type": "object", "properties": schema}
        return schema
    if isinstance(held.get("properties"), dict):
        changes.say("properties and required stand beside the name")
        return {"type": "object", "properties": held["properties"],
                "required": held.get("required")}  # fmt: skip
    changes.say("no schema: a function without arguments")
    return {"type": "object", "properties": {}}


def _of_list(arguments: list[Any], changes: Changes) -> dict[str, Any]:
    """The schema of arguments that are a list of objects with a name each."""
    properties, needed = {}, []
    for one in arguments:
        if not isinstance(one, dict) or not _name(one):
            changes.say(f"an argument without a name left out: {one!r:.60}")
            continue
        name = _name(one)
        schema = one["schema"] if isinstance(one.get("schema"), dict) else one
        properties[name] = {"description": one.get("description", one.get("desc")), **schema}
        if one.get("required") is True:
            needed.append(name)
    if properties and not needed:
        changes.say("nothing says which arguments are required: none is")
    for schema in properties.values():
        schema.pop("required", None) if schema.get("required") is True else None
    return {"type": "object", "properties": properties, "required": needed}


def _arguments(parameters: dict[str, Any], changes: Changes) -> dict[str, Any]:
    """Parameters whose arguments have names that can be written, each otherwise."""
    renamed: dict[str, str] = {}
    taken: set[str] = set()
    for name in parameters["properties"]:
        new = names.free([names.of_argument(name) or "argument"], taken)
        if new != name:
            changes.say(f"argument {name!r:.80} renamed to {new}")
        renamed[name] = new
        taken.add(names.written(new))
    made = {**parameters, "properties": {
        renamed[name]: schema for name, schema in parameters["properties"].items()}}  # fmt: skip
    if "required" in made:
        made["required"] = [renamed[name] for name in made["required"] if name in renamed]
    return made
