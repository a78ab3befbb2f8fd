"""What a model is asked and how it answers: the system prompt, and a call as text and back.

Training, scoring and serving share this, so that they cannot drift apart.
"""

from __future__ import annotations

import ast
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from stages.core.text import MAX_ANSWER, composed, is_valid

SYSTEM = Path(__file__).parents[2] / "prompts" / "system" / "function_call.j2"


@dataclass(frozen=True)
class Call:
    """A function call: its name and its arguments."""

    name: str
    arguments: dict[str, Any]


class ParseError(ValueError):
    """The text is no call of a known function."""


def system_prompt(tools: list[dict[str, Any]], template: str | None = None) -> str:
    """The system message for a catalogue of OpenAI tools.

    An argument that several functions describe alike is described once.
    """
    functions = [tool["function"] for tool in tools]
    arguments: dict[str, dict[str, Any]] = {}
    for function in functions:
        for name, schema in function["parameters"].get("properties", {}).items():
            key = json.dumps([name, schema], sort_keys=True)
            arguments[key] = {"description": "", "enum": None, **schema, "name": name}
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    source = template if template is not None else SYSTEM.read_text("utf-8")
    text = environment.from_string(source).render(
        tools=functions, arguments=list(arguments.values())
    )
    return text.strip()


def render_call(call: Call) -> str:
    """The call as the model writes it: `Search(content_type="Photo", extracted_prompt="cat")`.

    Text always stands in double quotes: Python's own choice depends on the apostrophes inside, and
    a small model that had learnt single quotes broke every call with `Saturn's` in it.
    """
    arguments = ", ".join(f"{name}={_literal(value)}" for name, value in call.arguments.items())
    return f"{call.name}({arguments})"


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def parse_call(text: str, tools: list[dict[str, Any]]) -> Call:
    """Read a model's answer as one call of a function in `tools`; nothing is evaluated.

    Raises ParseError for anything else: prose, several calls, nested calls, positional or unknown
    or missing arguments, values that are no literals or not in an enum. Text comes in the form NFC.
    """
    if len(text) > MAX_ANSWER:
        raise ParseError(f"answer of {len(text)} characters")
    try:
        with warnings.catch_warnings():  # of escapes that Python does not know
            warnings.simplefilter("ignore")
            node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ParseError(f"no expression: {type(error).__name__}") from None
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ParseError("no call of a named function")
    functions = {tool["function"]["name"]: tool["function"] for tool in tools}
    if node.func.id not in functions:
        raise ParseError(f"unknown function {node.func.id[:40]!r}")
    if node.args or any(keyword.arg is None for keyword in node.keywords):
        raise ParseError("arguments must be named")
    parameters = functions[node.func.id]["parameters"]
    properties = parameters.get("properties", {})
    arguments: dict[str, Any] = {}
    for keyword in node.keywords:
        name = str(keyword.arg)
        if name not in properties:
            raise ParseError(f"unknown argument {name[:40]!r}")
        if name in arguments:
            raise ParseError(f"argument {name!r} stands twice")
        try:
            value = ast.literal_eval(keyword.value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            raise ParseError(f"argument {name!r} is no literal") from None
        if properties[name].get("type") == "string":
            if not isinstance(value, str):
                raise ParseError(f"argument {name!r} is no text")
            if not is_valid(value):
                raise ParseError(f"argument {name!r} is no valid Unicode")
            value = composed(value)
        allowed = properties[name].get("enum")
        if allowed is not None and value not in allowed:
            raise ParseError(f"argument {name!r} is none of the allowed values")
        arguments[name] = value
    missing = [name for name in parameters.get("required", []) if name not in arguments]
    if missing:
        raise ParseError(f"missing argument {missing[0]!r}")
    return Call(node.func.id, arguments)


def messages(query: str, call: Call) -> list[dict[str, Any]]:
    """The sample as an OpenAI conversation: the user's query, the assistant's tool call."""
    function = {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
    return [
        {"role": "user", "content": query},
        {"role": "assistant", "tool_calls": [{"type": "function", "function": function}]},
    ]


def answer(message: dict[str, Any]) -> str:
    """The text that stands for an assistant message: its tool calls, or else its content."""
    calls = [tool["function"] for tool in message.get("tool_calls") or []]
    if not calls:
        return str(message["content"])
    return "\n".join(render_call(Call(c["name"], json.loads(c["arguments"]))) for c in calls)
