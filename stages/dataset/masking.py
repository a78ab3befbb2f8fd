"""Names that say nothing, in a share of the tool sets: a model that cannot guess what a function
does by its name reads the description, and so does better with functions that it never saw (Lin et
al. 2024, Hammer, arXiv 2410.04587, which masks a third).
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import polars as pl

from stages.core.conversation import Message
from stages.core.plan import Turn, turns_from_json

LETTERS = ("bdfghjklmnprstvz", "aeiou")
SYLLABLES = (2, 3)


class Names(NamedTuple):
    """What a tool set's names become. functions: name -> mask; parameters: of each function."""

    functions: Mapping[str, str]
    parameters: Mapping[str, Mapping[str, str]]


def is_masked(tool_set: str, turns: Sequence[Turn], share: float, seed: int) -> bool:
    """Whether a row is masked: its tool set is among those that are, and no turn names an argument
    by its own name, as a question does, and an error.
    """
    names_one = any(turn.act == "ask" or turn.failing is not None for turn in turns)
    return not names_one and _random(tool_set, seed).random() < share


def names(tools: Sequence[Mapping[str, Any]], tool_set: str, seed: int) -> Names:
    """Masks for the functions of OpenAI tools and for their parameters, all different. What has no
    description keeps its name, for that alone says what it means.
    """
    draw = _random(tool_set, seed)
    draw.random()  # is_masked's
    taken: set[str] = set()
    functions: dict[str, str] = {}
    parameters: dict[str, dict[str, str]] = {}
    for tool in tools:
        function = tool["function"]
        properties = function["parameters"].get("properties", {})
        taken |= {function["name"], *properties}
        if function.get("description"):
            functions[function["name"]] = _mask(draw, taken)
        parameters[function["name"]] = {
            name: _mask(draw, taken) for name, one in properties.items() if one.get("description")
        }
    return Names(functions, parameters)


def masked_tools(tools: Sequence[Mapping[str, Any]], masks: Names) -> list[dict[str, Any]]:
    """The tools with masks for names; the names of nested properties stay."""
    return [{**tool, "function": _function(tool["function"], masks)} for tool in tools]


def _function(function: Mapping[str, Any], masks: Names) -> dict[str, Any]:
    own, schema = masks.parameters[function["name"]], dict(function["parameters"])
    if "properties" in schema:
        schema["properties"] = {own.get(n, n): one for n, one in schema["properties"].items()}
    if "required" in schema:
        schema["required"] = [own.get(name, name) for name in schema["required"]]
    name = masks.functions.get(function["name"], function["name"])
    return {**function, "name": name, "parameters": schema}


def masked_messages(messages: Sequence[Message], masks: Names) -> list[Message]:
    """The messages, their calls with masks for names."""
    return [
        {**one, "tool_calls": [_call(call, masks) for call in one["tool_calls"]]}
        if one.get("tool_calls")
        else one
        for one in messages
    ]


def _call(call: Mapping[str, Any], masks: Names) -> dict[str, Any]:
    name, arguments = call["function"]["name"], call["function"]["arguments"]
    own = masks.parameters[name]
    function = {
        "name": masks.functions.get(name, name),
        "arguments": {own.get(key, key): value for key, value in arguments.items()},
    }
    return {**call, "function": function}


def masked(messages: str, tools: str, tool_set: str, seed: int) -> tuple[str, str]:
    """The columns `messages` and `tools` of a row, masked."""
    shown = json.loads(tools)
    masks = names(shown, tool_set, seed)
    said = masked_messages(json.loads(messages), masks)
    return (
        json.dumps(said, ensure_ascii=False),
        json.dumps(masked_tools(shown, masks), ensure_ascii=False),
    )


def with_masks(samples: pl.DataFrame, share: float, seed: int) -> pl.DataFrame:
    """The samples, names masked in this share of the tool sets."""
    if not share:
        return samples
    rows = samples.select("messages", "tools", "tool_set", "turns").rows()
    made = [
        masked(messages, tools, name, seed)
        if is_masked(name, turns_from_json(turns), share, seed)
        else (messages, tools)
        for messages, tools, name, turns in rows
    ]
    return samples.with_columns(
        messages=pl.Series([one for one, _ in made], dtype=pl.String),
        tools=pl.Series([one for _, one in made], dtype=pl.String),
    )


def _mask(draw: random.Random, taken: set[str]) -> str:
    """A word of no language: "vorika"."""
    while True:
        syllables = range(draw.choice(SYLLABLES))
        word = "".join(draw.choice(letters) for _ in syllables for letters in LETTERS)
        if word not in taken:
            taken.add(word)
            return word


def _random(tool_set: str, seed: int) -> random.Random:
    digest = blake2b(f"{seed}/mask/{tool_set}".encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest, "big"))
