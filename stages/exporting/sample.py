"""A row of the dataset, as every export begins with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from stages import formats
from stages.core import files
from stages.core.conversation import Message
from stages.core.tables import Dialogues

SPLITS = ("train", "validation")


class Unheld(Exception):
    """A row that a format cannot hold; its text says what such rows are, in a few words."""


class Sample(NamedTuple):
    """`messages`: as OpenAI's chat API has them, with arguments as objects; a system message that
    says what day it is begins them where the row has one. `tools`: the OpenAI tools shown.
    """

    sample_id: str
    messages: list[Message]
    tools: list[dict[str, Any]]


def read(dataset: Path, split: str) -> Iterator[Sample]:
    """The rows of a split of data/dataset, in its order. Raises InputError for a missing table."""
    table = files.read_table(dataset / f"{split}.parquet", Dialogues)
    for name, messages, tools, today in table.select(
        "sample_id", "messages", "tools", "today"
    ).iter_rows():
        yield sample(name, json.loads(messages), json.loads(tools), today)


def sample(
    sample_id: str, messages: list[Message], tools: list[dict[str, Any]], today: str | None
) -> Sample:
    """A sample, with its date, an ISO date or None, put into the messages."""
    spoken, _ = formats.conversation(formats.FORMATS["native"], messages, tools, today)
    return Sample(sample_id, spoken, tools)


def as_json(value: Any) -> str:
    """JSON text on one line, with letters of all scripts as they are."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def split_system(messages: list[Message]) -> tuple[str, list[Message]]:
    """The system message's text, or "", and the other messages."""
    if messages and messages[0]["role"] == "system":
        return str(messages[0]["content"]), messages[1:]
    return "", messages
