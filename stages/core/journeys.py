"""Held-out conversations of a pack with worlds, PACK/journeys.jsonl: what users say one after
another, and the calls that are right. A line is

    {"world": ..., "seed": 7, "today": "2026-06-01", "tools": [names], "requests":
     [{"query": ..., "steps": [[{"name": ..., "arguments": {...}}]], "answer": ...}]}

What the calls give back and what they make of the world is not written: it is done again, in the
world's initial state of this seed. A request without steps is one that no function serves.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.core import files
from stages.core.catalogue import Catalogue
from stages.core.command import InputError
from stages.core.conversation import Call
from stages.core.settings import input_error
from stages.core.worlds import World

JOURNEYS = "journeys.jsonl"
STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
Text = Annotated[str, Field(min_length=1, max_length=5_000)]


class CallLine(BaseModel):
    model_config = STRICT

    name: Text
    arguments: dict[str, Any]


class RequestLine(BaseModel):
    model_config = STRICT

    query: Text
    steps: Annotated[list[Annotated[list[CallLine], Field(min_length=1)]], Field(max_length=50)]
    answer: Text


class JourneyLine(BaseModel):
    model_config = STRICT

    world: Text
    seed: Annotated[int, Field(ge=0)]
    today: Annotated[str, Field(pattern=r"\A\d{4}-\d\d-\d\d\z")]
    tools: Annotated[list[Text], Field(min_length=1, max_length=200)]
    requests: Annotated[list[RequestLine], Field(min_length=1, max_length=20)]


@dataclass(frozen=True)
class Request:
    """A message of the user, the calls that are right, by the message of the assistant that makes
    them, and the words with which it ends.
    """

    query: str
    steps: tuple[tuple[Call, ...], ...]
    answer: str


@dataclass(frozen=True)
class Journey:
    """A conversation in a world. seed, today: of its initial state; tools: the functions shown."""

    number: int
    world: str
    seed: int
    today: datetime.date
    tools: tuple[str, ...]
    requests: tuple[Request, ...]


def read(path: Path, catalogue: Catalogue, worlds: Sequence[World]) -> list[Journey]:
    """The journeys of a file. Raises InputError with the line of the first that is wrong."""
    by_name = {world.name: world for world in worlds}
    journeys: list[Journey] = []
    for line, row in files.read_lines(path):
        where = f"{path}:{line}"
        try:
            given = JourneyLine.model_validate(row)
            today = datetime.date.fromisoformat(given.today)
        except ValidationError as error:
            raise input_error(error, where) from None
        except ValueError:
            raise InputError(f"{where}: today {row['today']!r:.20} is no date") from None
        world = by_name.get(given.world)
        if world is None:
            raise InputError(f"{where}: the pack has no world {given.world!r:.60}")
        for name in given.tools:
            if name not in catalogue:
                raise InputError(f"{where}: tools: {name!r:.80} is not in the catalogue")
        requests = []
        for one in given.requests:
            steps = tuple(tuple(Call(c.name, c.arguments) for c in step) for step in one.steps)
            for call in (call for step in steps for call in step):
                if call.name not in world.functions or call.name not in given.tools:
                    raise InputError(
                        f"{where}: {call.name!r:.80} is called, and is no function of the world "
                        f"{world.name} that `tools` shows"
                    )
            requests.append(Request(one.query, steps, one.answer))
        number, tools = len(journeys) + 1, tuple(given.tools)
        journeys.append(Journey(number, world.name, given.seed, today, tools, tuple(requests)))
    return journeys
