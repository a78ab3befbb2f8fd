"""What goes through an import: operations in, functions or rejects out, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# Changes that are told of one operation; of more only their number.
MAX_CHANGES = 25
LONGEST_CHANGE = 300


class Refused(Exception):
    """An operation that makes no function. `code` is one of CODES, `reason` says why."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


UNREADABLE, NO_FUNCTIONS, ELSEWHERE = "unreadable", "no_functions", "elsewhere"
NOT_A_FUNCTION, TOO_LARGE, INVALID = "not_a_function", "too_large", "invalid"
DUPLICATE, LEFT_OUT, TOO_MANY = "duplicate", "left_out", "too_many"
CODES = {
    UNREADABLE: "the file cannot be read",
    NO_FUNCTIONS: "the file holds no functions",
    ELSEWHERE: "it stands in another file, and nothing is fetched",
    NOT_A_FUNCTION: "no function: a tool of a platform, or without a name",
    TOO_LARGE: "its schema is too large",
    INVALID: "the catalogue refuses it",
    DUPLICATE: "the same function was read before",
    LEFT_OUT: "--tag or --path leaves it out",
    TOO_MANY: "beyond --max, or beyond what a catalogue holds",
}


class Changes:
    """What was changed of one operation, each thing once, in order."""

    def __init__(self) -> None:
        self._held: dict[str, None] = {}

    def say(self, text: str) -> None:
        """Note a change; at most LONGEST_CHANGE characters of it."""
        self._held[text[:LONGEST_CHANGE]] = None

    def all(self) -> list[str]:
        """All of them."""
        return list(self._held)

    def listed(self) -> list[str]:
        """The changes, at most MAX_CHANGES of them, and how many more there are."""
        held = list(self._held)
        more = len(held) - MAX_CHANGES
        return held if more <= 0 else [*held[:MAX_CHANGES], f"and {more} more"]


@dataclass(frozen=True)
class Operation:
    """An operation or a tool as its file has it. label: what to call it in messages; root: where
    its references lead; method, path, shared (the path's own item): of OpenAPI alone.
    """

    file: str
    label: str
    raw: Any
    root: Any = None
    method: str = ""
    path: str = ""
    shared: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    @property
    def is_of_api(self) -> bool:
        """Whether it stands in an OpenAPI or Swagger specification."""
        return self.root is not None or isinstance(self.raw, Refused)


class Draft(NamedTuple):
    """A function as it was read: `name` may not be one yet, `parameters` is a JSON Schema. read:
    how many values were read for it.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    read: int = 0


class Made(NamedTuple):
    """A function of the catalogue, as an OpenAI tool; where it comes from, what was changed."""

    tool: dict[str, Any]
    file: str
    operation: str
    changes: list[str]


class Reject(NamedTuple):
    """An operation, or a whole file, that gave no function."""

    file: str
    operation: str
    code: str
    reason: str
    changes: list[str]
