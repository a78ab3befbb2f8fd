"""BFCL: a file of questions a category, and one of possible answers with the accepted values of
each argument; types in BFCL's words; a row without a call is of the category irrelevance, which has
no answers (bfcl_eval/data, eval_checker/ast_eval/ast_checker.py of ShishirPatil/gorilla).

To score with them, put the files in the place of bfcl_eval/data's.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from stages.core import files
from stages.core.conversation import Call, calls_of
from stages.exporting.sample import Sample, Unheld, as_json, split_system

PREFIX = "BFCL_v4"
ANSWERS = "possible_answer"
TYPES = {"object": "dict", "number": "float"}
# The types that the checker knows.
CHECKED = ("string", "integer", "float", "boolean", "array", "dict")
# Among the accepted values: the argument may be left out.
ABSENT = ""


def row(sample: Sample, number: int) -> dict[str, Any]:
    """`category`, `question` and, unless no call is right, `answer`. Raises Unheld for several
    turns, and for an empty text as a value, which would say that the argument may be left out.
    """
    _, spoken = split_system(sample.messages)
    if [message["role"] for message in spoken] != ["user", "assistant"]:
        raise Unheld("of several turns")
    calls = calls_of(spoken[1])
    kind = category(len(calls), len(sample.tools))
    name = f"{kind}_{number}"
    question = {
        "id": name,
        "question": [[{"role": m["role"], "content": m["content"]} for m in sample.messages[:-1]]],
        "function": [_function(tool["function"]) for tool in sample.tools],
    }
    if not calls:
        return {"category": kind, "question": question}
    answer = {"id": name, "ground_truth": [_truth(call) for call in calls]}
    return {"category": kind, "question": question, "answer": answer}


def category(calls: int, functions: int) -> str:
    """The category of a question with so many right calls and functions shown."""
    if not calls:
        return "irrelevance"
    if calls == 1:
        return "simple_python" if functions == 1 else "multiple"
    return "parallel" if functions == 1 else "parallel_multiple"


def _truth(call: Call) -> dict[str, Any]:
    return {call.name: {name: [_accepted(value)] for name, value in call.arguments.items()}}


def _accepted(value: Any) -> Any:
    """One accepted value: of an object, and of each in a list, every key has a list of its own."""
    if value == ABSENT:
        raise Unheld("with an empty text as a value")
    if isinstance(value, list):
        return [_keys(item) if isinstance(item, dict) else item for item in value]
    return _keys(value) if isinstance(value, dict) else value


def _keys(value: dict[str, Any]) -> dict[str, list[Any]]:
    if ABSENT in value.values():
        raise Unheld("with an empty text as a value")
    return {name: [item] for name, item in value.items()}


def _function(function: dict[str, Any]) -> dict[str, Any]:
    schema = function["parameters"]
    parameters = {
        **schema,
        "type": "dict",
        "properties": {
            name: _typed(parameter) for name, parameter in schema.get("properties", {}).items()
        },
        "required": schema.get("required", []),
    }
    description = function.get("description", "")
    return {"name": function["name"], "description": description, "parameters": parameters}


def _typed(schema: Any) -> Any:
    """A schema with BFCL's types: each has one, an array has `items`."""
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    bfcl_type = TYPES.get(kind, kind) if isinstance(kind, str) else None
    result = {**schema, "type": bfcl_type if bfcl_type in CHECKED else "any"}
    if isinstance(schema.get("properties"), dict):
        result["properties"] = {
            name: _typed(nested) for name, nested in schema["properties"].items()
        }
    if result["type"] == "array":
        items = schema.get("items")
        result["items"] = _typed(items if isinstance(items, dict) else {})
    return result


def write(folder: Path, split: str, rows: Iterable[dict[str, Any]]) -> None:
    """SPLIT/BFCL_v4_CATEGORY.json, and of the same name the answers in possible_answer/."""
    target = folder / split
    for old in (*target.glob(f"{PREFIX}_*.json"), *target.glob(f"{ANSWERS}/{PREFIX}_*.json")):
        old.unlink()
    streams: dict[Path, Any] = {}
    with ExitStack() as stack:
        for row in rows:
            file = f"{PREFIX}_{row['category']}.json"
            for key, path in (("question", target / file), ("answer", target / ANSWERS / file)):
                if key not in row:
                    continue
                if path not in streams:
                    temporary = stack.enter_context(files.replacing(path))
                    streams[path] = stack.enter_context(temporary.open("w", encoding="utf-8"))
                streams[path].write(f"{as_json(row[key])}\n")
