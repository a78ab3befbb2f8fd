"""ShareGPT as LLaMA-Factory reads it: `conversations` whose turns are human or observation, then
gpt or function_call, in turn; `system`; `tools` as JSON text; and the entry for dataset_info.json
(data/README.md and src/llamafactory/data/converter.py of hiyouga/LLaMA-Factory).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from stages.core import files
from stages.core.conversation import Message, calls_of
from stages.exporting import writing
from stages.exporting.sample import SPLITS, Sample, Unheld, as_json, split_system

ASKING, ANSWERING = ("human", "observation"), ("gpt", "function_call")


def row(sample: Sample, number: int) -> dict[str, Any]:
    """Raises Unheld for words beside calls in one message, and turns of another order."""
    system, messages = split_system(sample.messages)
    turns: list[dict[str, str]] = []
    for role, group in groupby(messages, key=lambda message: str(message["role"])):
        run = list(group)
        turns += _observation(run) if role == "tool" else map(_turn, run)
    orders = (ASKING, ANSWERING)
    if len(turns) % 2 or any(t["from"] not in orders[n % 2] for n, t in enumerate(turns)):
        raise Unheld("whose turns do not alternate")
    return {"conversations": turns, "system": system, "tools": as_json(_tools(sample.tools))}


def _turn(message: Message) -> dict[str, str]:
    if message["role"] == "user":
        return {"from": "human", "value": message["content"]}
    calls = [{"name": call.name, "arguments": call.arguments} for call in calls_of(message)]
    if not calls:
        return {"from": "gpt", "value": message["content"]}
    if message.get("content"):
        raise Unheld("with words beside calls")
    return {"from": "function_call", "value": as_json(calls[0] if len(calls) == 1 else calls)}


def _observation(results: list[Message]) -> list[dict[str, str]]:
    """The results that follow one another, as one turn: a list of them, if they are several."""
    texts = [str(result["content"]) for result in results]
    return [{"from": "observation", "value": texts[0] if len(texts) == 1 else json.dumps(texts)}]


def _tools(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The functions without OpenAI's wrapping, each with a description."""
    return [{"description": "", **tool["function"]} for tool in tools]


def write(folder: Path, split: str, rows: Iterable[dict[str, Any]]) -> None:
    """SPLIT.json, and dataset_info.json with an entry a split."""
    writing.json_list(folder, split, rows)
    columns = {"messages": "conversations", "system": "system", "tools": "tools"}
    entries = {
        f"routenator_{name}": {
            "file_name": f"{name}.json", "formatting": "sharegpt", "columns": columns
        }
        for name in SPLITS
    }  # fmt: skip
    files.write_json(folder / "dataset_info.json", entries)
