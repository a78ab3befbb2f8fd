"""Many files to one catalogue: every operation becomes a function or a reject."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from stages.core import catalogue
from stages.core.command import InputError
from stages.formats.names import written
from stages.ingest.tools import listed, names, openapi, reading
from stages.ingest.tools.rows import (
    DUPLICATE,
    INVALID,
    LEFT_OUT,
    NO_FUNCTIONS,
    TOO_LARGE,
    TOO_MANY,
    UNREADABLE,
    Changes,
    Draft,
    Made,
    Operation,
    Refused,
    Reject,
)
from stages.ingest.tools.schemas import MOST_READ, fitting

# Bytes of functions that one catalogue file can hold; half of them for indents.
MAX_BYTES = catalogue.MAX_BYTES // 4
# Operations of one file, and the values of their schemas; the largest real file that we know has
# 38,000 of these.
MAX_OPERATIONS, MAX_VALUES = 20_000, 1_000_000


@dataclass(frozen=True)
class Filter:
    """Which operations are taken: with one of the tags (without regard to case), with a path that
    one of the glob patterns fits; all where there are none. most: functions at most.
    """

    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    most: int = catalogue.MAX_FUNCTIONS

    def objection(self, operation: Operation) -> str | None:
        """Why an operation is left out, if it is."""
        wanted = {tag.casefold() for tag in self.tags}
        if wanted and not wanted & {tag.casefold() for tag in operation.tags}:
            return f"its tags are {list(operation.tags)!s:.120}"
        if self.paths and not any(fnmatchcase(operation.path, one) for one in self.paths):
            return f"its path is {operation.path!r:.120}" if operation.path else "it has no path"
        return None


@dataclass
class Gathered:
    """What came of files. `read`: how many could be read and hold operations."""

    functions: list[Made] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    files: int = 0
    read: int = 0

    @property
    def rows(self) -> int:
        """Operations, and files that gave none."""
        return len(self.functions) + len(self.rejects)

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The functions as OpenAI tools."""
        return [one.tool for one in self.functions]


def operations(file: str, value: Any) -> list[Operation]:
    """All operations and tools of a file's value, in order. Raises InputError where there are
    none, or too many.
    """
    of = openapi if openapi.is_specification(value) else listed
    found = list(islice(of.operations(file, value), MAX_OPERATIONS + 1))
    if len(found) > MAX_OPERATIONS:
        raise InputError(f"more than {MAX_OPERATIONS} operations: cut it into smaller files")
    if not found:
        raise InputError("it holds neither tools nor operations of OpenAPI or Swagger")
    return found


def gather(paths: Iterable[Path], wanted: Filter) -> Gathered:
    """The functions of the files. Nothing is raised for what is in them."""
    made = Gathered()
    taken = _Taken(made)
    for path in paths:
        made.files += 1
        file = reading.shown(path)
        try:
            document = reading.read(path)
        except InputError as error:
            made.rejects.append(Reject(file, "", UNREADABLE, str(error), []))
            continue
        try:
            found = operations(file, document.value)
        except InputError as error:
            made.rejects.append(Reject(file, "", NO_FUNCTIONS, str(error), [*document.changes]))
            continue
        made.read += 1
        taken.left = MAX_VALUES
        for operation in found:
            taken.take(operation, document.changes, wanted)
    return made


class Known(NamedTuple):
    """A function that was taken. key: what a function that is the same has, too."""

    made: Made
    operation: Operation
    key: str


class _Taken:
    """Puts one operation after another into what is gathered."""

    def __init__(self, made: Gathered) -> None:
        self.made = made
        self.bytes = 0
        # Values of schemas that may yet be read of a file.
        self.left = MAX_VALUES
        # A name as models write it; a name as it was read -> the functions that had it.
        self.written: set[str] = set()
        self.by_name: dict[str, list[Known]] = {}

    def take(self, operation: Operation, odd: Sequence[str], wanted: Filter) -> None:
        """Make it a function or a reject. odd: what was odd about its file."""
        changes = Changes()
        for text in odd:
            changes.say(text)
        try:
            self._take(operation, wanted, changes)
        except Refused as error:
            row = Reject(
                operation.file, operation.label, error.code, error.reason, changes.listed()
            )
            self.made.rejects.append(row)

    def _take(self, operation: Operation, wanted: Filter, changes: Changes) -> None:
        if why := wanted.objection(operation):
            raise Refused(LEFT_OUT, f"left out: {why}")
        most = min(wanted.most, catalogue.MAX_FUNCTIONS)
        if len(self.made.functions) >= most:
            raise Refused(TOO_MANY, f"there are {most} functions already")
        draft = self._drafted(operation, changes)
        name = names.of_function(draft.name)
        name = name or f"function_{self.made.rows + 1}"
        if name != draft.name:
            changes.say(f"renamed from {draft.name!r:.100} to {name}: no catalogue takes that name")
        known, key = self.by_name.setdefault(name, []), _key(draft)
        for other in known:
            # Two operations of one specification are never one.
            if other.key == key and not (operation.is_of_api and other.made.file == operation.file):
                raise Refused(DUPLICATE, f"the same as {other.made.tool['function']['name']} of "
                                         f"{other.made.file}: {other.made.operation}")  # fmt: skip
        free = names.free(_candidates(name, operation, known), self.written)
        if free != name:
            changes.say(f"renamed from {name} to {free}: another function has that name")
        tool = checked(draft._replace(name=free))
        self.bytes += len(json.dumps(tool))
        if self.bytes > MAX_BYTES:
            raise Refused(TOO_MANY, f"there are {MAX_BYTES // 2**20} MiB of functions already")
        made = Made(tool, operation.file, operation.label, changes.listed())
        known.append(Known(made, operation, key))
        self.written.add(written(free))
        self.made.functions.append(made)

    def _drafted(self, operation: Operation, changes: Changes) -> Draft:
        if self.left <= 0:
            raise Refused(TOO_LARGE, f"the file's schemas have more than {MAX_VALUES} values")
        try:
            draft = drafted(operation, changes)
        except Refused as error:
            self.left -= MOST_READ if error.code == TOO_LARGE else 1
            raise
        self.left -= draft.read
        return draft


def drafted(operation: Operation, changes: Changes) -> Draft:
    """The function of an operation, before its name is looked at. Raises Refused."""
    of = openapi if operation.is_of_api else listed
    return fitting(partial(of.draft, operation), changes)


def checked(draft: Draft) -> dict[str, Any]:
    """The function as an OpenAI tool, as the catalogue has it once it is loaded. Raises Refused
    with the catalogue's reason where it does not take it.
    """
    held: dict[str, Any] = {"name": draft.name}
    if draft.description:
        held["description"] = draft.description
    tool = {"type": "function", "function": {**held, "parameters": draft.parameters}}
    try:
        return catalogue.from_tools([tool]).functions[0].tool
    except InputError as error:
        reason = re.sub(r"^tools, function 1( \([^)]*\))?: ", "", str(error))
        raise Refused(INVALID, reason) from None


def _key(draft: Draft) -> str:
    """The schema, the order of keys apart; without arguments the description beside it."""
    held = draft.parameters if draft.parameters["properties"] else [draft.description]
    return json.dumps(held, sort_keys=True)


def _candidates(name: str, operation: Operation, known: Sequence[Known]) -> Iterator[str]:
    yield name
    if any(one.made.file == operation.file for one in known):
        if operation.is_of_api:
            yield names.of_operation(operation.method, operation.path)
    else:
        stem = re.sub(r"(\.(json|jsonl|ya?ml|gz))+$", "", Path(operation.file).name)
        if stem := names.of_function(stem):
            yield names.of_function(f"{stem}_{name}")
    yield name
