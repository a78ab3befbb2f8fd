"""The worlds of a pack: systems whose state functions change, each a database and one SQL file per
function. What the files say; `stages.worlds` runs them.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from stages.core import links
from stages.core.catalogue import Catalogue
from stages.core.command import InputError
from stages.core.settings import SHOWN, input_error
from stages.core.source_kinds import STRICT, Share
from stages.core.yaml import parse, read, text_of

WORLD = "world"
WORLD_FILE, SCHEMA, SEED = "world.yaml", "schema.sql", "seed.sql"
# What a function gives where it gives one thing.
ROW = "row"
HEAD = re.compile(r"\A\s*/\*(.*?)\*/", re.DOTALL)
PARAMETER = re.compile(r"'(?:[^']|'')*'|--[^\n]*|:([A-Za-z_]\w*)")

Sql = Annotated[str, Field(min_length=1, max_length=20_000)]
Name = Annotated[str, Field(pattern=r"\A[A-Za-z_]\w*\z", max_length=64)]


class Entity(BaseModel):
    """A kind of thing that arguments name and results give. known: a query for those that a user
    can name in the present state; said: how often the user names it, where a function gives it
    too.
    """

    model_config = STRICT

    known: Sql | None = None
    said: Share | None = None


class WorldFile(BaseModel):
    """world.yaml."""

    model_config = STRICT

    description: Annotated[str, Field(max_length=2_000)] = ""
    entities: dict[Name, Entity | None]


class Condition(BaseModel):
    """What must hold before a function is done: an expression over its arguments and the state;
    the error where it does not; the function that makes it hold.
    """

    model_config = STRICT

    holds: Sql
    error: Annotated[str, Field(min_length=1, max_length=500)]
    mended_by: Annotated[str, Field(max_length=200)] | None = None

    @cached_property
    def arguments(self) -> frozenset[str]:
        """The arguments that it speaks of."""
        return parameters(self.holds)


class Head(BaseModel):
    """The head of a function's SQL file."""

    model_config = STRICT

    effect: Literal["read", "write"] = "read"
    takes: dict[str, Name] = {}
    gives: dict[Name, Name] = {}
    returns: Name = ROW
    requires: list[Condition] = []


@dataclass(frozen=True)
class WorldFunction:
    """A function as a world does it. takes: argument -> entity; gives: column of the result ->
    entity; returns: `row`, or the name under which the rows stand; statements: SQL, the last of
    which gives the result. parameters: all arguments of its schema.
    """

    name: str
    effect: str
    takes: Mapping[str, str]
    gives: Mapping[str, str]
    returns: str
    requires: tuple[Condition, ...]
    statements: tuple[str, ...]
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """A system: its tables, an initial state for each seed, and what its functions do."""

    name: str
    description: str
    entities: Mapping[str, Entity]
    schema: str
    seed: str
    functions: Mapping[str, WorldFunction]


def parameters(sql: str) -> frozenset[str]:
    """The named parameters of an SQL text."""
    return frozenset(match[1] for match in PARAMETER.finditer(sql) if match[1])


def load(folder: Path, pack_name: str, catalogue: Catalogue) -> dict[str, World]:
    """The worlds of a pack, by name; {} where it has none. Raises InputError."""
    root = folder / WORLD
    if not root.is_dir():
        return {}
    if (root / WORLD_FILE).exists():
        folders = {pack_name: root}
    else:
        folders = {one.name: one for one in sorted(root.iterdir()) if one.is_dir()}
    worlds = {name: _world(name, one, folder, catalogue) for name, one in folders.items()}
    owner: dict[str, str] = {}
    for name, world in worlds.items():
        for function in world.functions:
            if function in owner:
                raise InputError(
                    f"{root}: {function} is in two worlds, {owner[function]} and {name}: give one "
                    "of them another name"
                )
            owner[function] = name
    return worlds


def _world(name: str, folder: Path, pack: Path, catalogue: Catalogue) -> World:
    texts = {}
    for file in (WORLD_FILE, SCHEMA, SEED):
        path = links.check(folder / file, pack)
        if not path.is_file():
            raise InputError(f"{path} is missing: a world has {WORLD_FILE}, {SCHEMA} and {SEED}")
        texts[file] = text_of(path)
    try:
        described = WorldFile.model_validate(read(folder / WORLD_FILE))
    except ValidationError as error:
        raise input_error(error, folder / WORLD_FILE, texts[WORLD_FILE]) from None
    entities = {key: one or Entity() for key, one in described.entities.items()}
    functions = {}
    for path in sorted(folder.glob("*.sql")):
        if path.name not in (SCHEMA, SEED):
            links.check(path, pack)
            functions[path.stem] = _function(path, catalogue, entities)
    if not functions:
        raise InputError(f"{folder} has no function: write one into FUNCTION.sql")
    for one in functions.values():
        for condition in one.requires:
            if condition.mended_by is not None and condition.mended_by not in functions:
                raise InputError(
                    f"{folder / one.name}.sql: mended_by {condition.mended_by!r:.80} is no "
                    f"function of this world: name one of {list(functions)[:SHOWN]}"
                )
    return World(name, described.description, entities, texts[SCHEMA], texts[SEED], functions)


def _function(path: Path, catalogue: Catalogue, entities: Mapping[str, Entity]) -> WorldFunction:
    name, text = path.stem, text_of(path)
    if name not in catalogue:
        raise InputError(f"{path}: catalogue.json has no function {name!r:.80}")
    match = HEAD.match(text)
    if match is None:
        raise InputError(f"{path} must begin with its head, YAML in a comment: /* effect: read */")
    given = parse(match[1], path) or {}
    try:
        head = Head.model_validate(given)
    except ValidationError as error:
        raise input_error(error, path, match[1]) from None
    properties = tuple(catalogue[name].properties)
    for argument, entity in head.takes.items():
        if argument not in properties:
            raise InputError(f"{path}: takes.{argument}: {name} has no such argument")
        _check_entity(entity, entities, path, f"takes.{argument}")
    for column, entity in head.gives.items():
        _check_entity(entity, entities, path, f"gives.{column}")
    body = text[match.end() :]
    own = tuple(_statements(body, path))
    for sql in (*own, *(one.holds for one in head.requires)):
        for parameter in sorted(parameters(sql)):
            if parameter not in properties:
                raise InputError(
                    f"{path}: :{parameter} is no argument of {name}, which has {list(properties)}"
                )
    return WorldFunction(
        name, head.effect, head.takes, head.gives, head.returns, tuple(head.requires), own,
        properties,
    )  # fmt: skip


def _check_entity(entity: str, entities: Mapping[str, Any], path: Path, key: str) -> None:
    if entity not in entities:
        raise InputError(
            f"{path}: {key}: {WORLD_FILE} has no entity {entity!r:.60}; it has "
            f"{list(entities)[:SHOWN]}"
        )


def _statements(text: str, path: Path) -> list[str]:
    """The statements of an SQL text, the last of which must give the result."""
    statements, current = [], ""
    for part in re.split(r"(;)", text):
        current += part
        if part == ";" and sqlite3.complete_statement(current):
            statements.append(current.strip())
            current = ""
    if current.strip():
        statements.append(current.strip())
    statements = [one for one in statements if one != ";"]
    if not statements or not re.search(r"\b(SELECT|RETURNING|VALUES)\b", statements[-1], re.I):
        raise InputError(f"{path}: its last statement must give the result: SELECT ...")
    return statements
