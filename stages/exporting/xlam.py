"""xLAM: `id`, `query`, and `answers` and `tools` as JSON text; a parameter has a description, a
type in Python's words with ", optional" behind it where it may be left out, and its default
(Salesforce/xlam-function-calling-60k, whose card describes the columns).

A parameter keeps what else its schema says, such as `enum`, beside these.
"""

from __future__ import annotations

from typing import Any

from stages.core.conversation import calls_of
from stages.exporting.sample import Sample, Unheld, as_json, split_system

TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list",
         "object": "dict", "null": "None"}  # fmt: skip


def row(sample: Sample, number: int) -> dict[str, Any]:
    """Raises Unheld for what is no query with calls as its answer. A date comes before the query,
    for there is no system message.
    """
    system, messages = split_system(sample.messages)
    if [message["role"] for message in messages] != ["user", "assistant"]:
        raise Unheld("of several turns")
    calls = calls_of(messages[1])
    if not calls:
        raise Unheld("without a call")
    if messages[1].get("content"):
        raise Unheld("with words beside calls")
    answers = [{"name": call.name, "arguments": call.arguments} for call in calls]
    query = f"{system}\n{messages[0]['content']}" if system else messages[0]["content"]
    return {
        "id": number,
        "query": query,
        "answers": as_json(answers),
        "tools": as_json([_tool(tool["function"]) for tool in sample.tools]),
    }


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    schema = function["parameters"]
    required = schema.get("required", [])
    parameters = {
        name: {
            **parameter,
            "description": parameter.get("description", ""),
            "type": kind(parameter) + ("" if name in required else ", optional"),
        }
        for name, parameter in schema.get("properties", {}).items()
    }
    description = function.get("description", "")
    return {"name": function["name"], "description": description, "parameters": parameters}


def kind(schema: dict[str, Any]) -> str:
    """A schema's type in Python's words, such as `List[str]`; Any where it says none."""
    type_ = schema.get("type")
    if isinstance(type_, list):
        return " | ".join(TYPES.get(str(name), str(name)) for name in type_)
    if type_ is None:
        return "Any"
    items = schema.get("items")
    if type_ == "array" and isinstance(items, dict) and items:
        return f"List[{kind(items)}]"
    return TYPES.get(str(type_), str(type_))
