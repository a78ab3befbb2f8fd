"""Calls as Python writes them: `[book(people=2, place="The Crown"), cancel()]`.

What vLLM's tool parser `pythonic` reads, whole and streamed. That gives names back as they are
written (`names.written`), which differ from those of a catalogue with dots or hyphens in its names.
"""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from collections.abc import Sequence
from typing import Any

from stages.core.catalogue import Catalogue
from stages.core.conversation import Call
from stages.core.text import MAX_ANSWER, composed, is_valid
from stages.formats.names import meant, written
from stages.formats.parsed import MAX_DEPTH, Parsed, Unreadable

# What distinguishes a call from words: a list that begins with a call.
BEGINS = re.compile(r"\[\s*[A-Za-z_][\w.]*\s*\(")


def render(calls: Sequence[Call]) -> str:
    """The calls as the model writes them. Raises ValueError for what JSON cannot hold.

    Text always stands in double quotes: Python's own choice depends on the apostrophes inside, and
    a small model that had learnt single quotes broke every call with `Saturn's` in it.
    """
    return f"[{', '.join(map(_call, calls))}]"


def _call(call: Call) -> str:
    arguments = (f"{written(name)}={literal(value)}" for name, value in call.arguments.items())
    return f"{written(call.name)}({', '.join(arguments)})"


def literal(value: Any) -> str:
    """A JSON value as a Python literal."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=not is_valid(value))
        return text.replace("\x7f", "\\x7f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(str(k))}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no number of JSON's")
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    raise ValueError(f"{type(value).__name__} is no value of JSON's")


def parse(text: str, catalogue: Catalogue) -> Parsed:
    """Read an answer; nothing is evaluated. Text comes in the form NFC."""
    text = text.strip()
    if not BEGINS.match(text):
        return Parsed((), None, text)
    if len(text) > MAX_ANSWER:
        return Parsed((), "too_long", text[:MAX_ANSWER])
    try:
        with warnings.catch_warnings():  # of escapes that Python does not know
            warnings.simplefilter("ignore")
            node = ast.parse(text, mode="eval").body
        if not isinstance(node, ast.List):
            raise Unreadable("unreadable")
        names = meant(catalogue)
        return Parsed(tuple(_read(one, names, catalogue) for one in node.elts), None, text)
    except Unreadable as error:
        return Parsed((), error.code, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Parsed((), "unreadable", text)


def _read(node: ast.expr, names: dict[str, str], catalogue: Catalogue) -> Call:
    if not isinstance(node, ast.Call):
        raise Unreadable("unreadable")
    spoken = _dotted(node.func)
    name = names.get(spoken, spoken)
    if node.args:
        raise Unreadable("positional_argument")
    properties = meant(catalogue[name].properties) if name in catalogue else {}
    arguments: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise Unreadable("unreadable")
        argument = properties.get(keyword.arg, keyword.arg)
        if argument in arguments:
            raise Unreadable("unreadable")
        arguments[argument] = _value(keyword.value, 1)
    return Call(name, arguments)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise Unreadable("unreadable")


def _value(node: ast.expr, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Unreadable("too_deep")
    match node:
        case ast.Constant(value=str() as text):
            if not is_valid(text):
                raise Unreadable("unreadable")
            return composed(text)
        case ast.Constant(value=None | bool() | int() as value):
            return value
        case ast.Constant(value=float() as value) if math.isfinite(value):
            return value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=number)):
            if isinstance(number, int | float) and not isinstance(number, bool):
                return -number if isinstance(sign, ast.USub) else number
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_value(part, depth + 1) for part in parts]
        case ast.Dict(keys=keys, values=values):
            made: dict[str, Any] = {}
            for key, held in zip(keys, values, strict=True):
                name = _value(key, depth + 1) if key is not None else None
                if not isinstance(name, str) or name in made:
                    raise Unreadable("unreadable")
                made[name] = _value(held, depth + 1)
            return made
        case ast.Name(id="true" | "false" | "null" as name):  # JSON's own
            return {"true": True, "false": False, "null": None}[name]
    raise Unreadable("unreadable")
