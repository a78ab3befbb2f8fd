"""A golden set of calls: what users say, and the calls that are right, with what else is accepted.

One JSON object a line. The long form:

    {"messages": [{"role": "user", "content": "a table for two"}],
     "expected": [{"name": "book_table", "arguments": {"people": [2], "cuisine": ["", "any"]}}],
     "tools": ["book_table", "cancel"]}

Several `messages`, in OpenAI's form, are a conversation that ends with the user's message which is
to be answered.
An argument's list has the accepted values; "" among them: it may be left out. `tools`, names of
functions that are shown, may be left out. Where no call is right, `act` says what is, `ask` (with
`missing`, the argument to be asked for) or `refuse`. The short form has `query`, `function` and
`arguments`, each value the only one accepted, or {"any_of": [...]}; or, as a table may have it
(.csv or .parquet), `query`, `function` and a column an argument.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from stages.core import files
from stages.core.catalogue import Catalogue, Problem, problems
from stages.core.command import InputError
from stages.core.conversation import Call, Message, assistant, calls_of, user
from stages.core.text import MAX_QUERY, composed, each, is_valid

ACTS = ("call", "ask", "refuse")
# Among an argument's accepted values: it may be left out.
ABSENT = ""
MAX_ACCEPTED, MAX_CALLS, MAX_MESSAGES = 1_000, 100, 100


@dataclass(frozen=True)
class Expected:
    """A call that is right: for each argument the accepted values."""

    name: str
    arguments: dict[str, list[Any]]


@dataclass(frozen=True)
class GoldenRow:
    """A turn to be answered. golden_id: its number, from 1; query: the user's last message; tools:
    the functions that are shown, None for any; act: call, ask or refuse; history: the messages
    before, or, where calls have given something back since the user spoke, all.
    """

    golden_id: int
    query: str
    act: str
    expected: tuple[Expected, ...] = ()
    missing: str | None = None
    tools: tuple[str, ...] | None = None
    history: tuple[Message, ...] = ()

    @property
    def messages(self) -> list[Message]:
        """The conversation that a model is asked to go on with."""
        if self.history and self.history[-1]["role"] == "tool":
            return [*self.history]
        return [*self.history, user(self.query)]

    @property
    def said(self) -> list[str]:
        """Each message of the user."""
        return [str(one["content"]) for one in self.messages if one["role"] == "user"]


def _csv(path: Path) -> pl.DataFrame:
    with path.open("rb") as stream:  # so that polars sees no pattern of names in the path
        return pl.read_csv(stream, infer_schema=False)


def _parquet(path: Path) -> pl.DataFrame:
    with path.open("rb") as stream:
        return pl.read_parquet(stream)


# Readers of tables; a .jsonl is read line by line, for its line numbers.
READERS: dict[str, Callable[[Path], pl.DataFrame]] = {".csv": _csv, ".parquet": _parquet}
JSONL = ".jsonl"


def read(path: str | Path, catalogue: Catalogue) -> list[GoldenRow]:
    """Read a golden file: .jsonl, or a .csv or .parquet with the short form's columns. Raises
    InputError with file and line for the first bad row.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind != JSONL and kind not in READERS:
        kinds = ", ".join([JSONL, *READERS])
        raise InputError(f"{path}: cannot read {path.suffix!r}; give one of {kinds}")
    if not path.is_file():
        raise InputError(f"{path} is missing: name a file with golden queries")
    rows: list[GoldenRow] = []
    for where, row in _rows(path, kind):
        try:
            rows.append(_row(len(rows) + 1, each(row, composed), catalogue))
        except _Wrong as error:
            raise InputError(f"{path}, {where}: {error}") from None
    return rows


def _rows(path: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row, and where it stands."""
    if kind == JSONL:
        yield from ((f"line {line}", row) for line, row in files.read_lines(path))
        return
    try:
        frame = READERS[kind](path)
    except pl.exceptions.NoDataError:
        return
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        message = " ".join(str(error).split())
        raise InputError(
            f"{path} is not a readable {path.suffix[1:]} file: {message:.200}"
        ) from None
    for number, row in enumerate(frame.iter_rows(named=True), 1):
        yield f"row {number}", row


class _Wrong(ValueError):
    """What is wrong with a row."""


def _row(number: int, row: dict[str, Any], catalogue: Catalogue) -> GoldenRow:
    query, history = row.get("query"), tuple[Message, ...]()
    if "messages" in row:
        query, history = _spoken(row["messages"])
    if not isinstance(query, str) or not query.strip():
        raise _Wrong(f"`query` is {reprlib.repr(query)}: it must be what the user says")
    if len(query) > MAX_QUERY:
        raise _Wrong(f"the query has {len(query)} characters: it must have at most {MAX_QUERY}")
    if not is_valid(query):
        raise _Wrong("the query holds half a surrogate pair: write the character")
    expected = _expected(row, catalogue)
    act = row.get("act", "call" if expected else None)
    if act not in ACTS:
        raise _Wrong(
            "no call is expected: give `function` and `arguments`, or `expected`, or `act`: ask or "
            "refuse"
        )
    if act == "call" and not expected:
        raise _Wrong("act call needs `function` and `arguments`, or `expected`")
    missing = row.get("missing")
    if act == "ask" and not isinstance(missing, str):
        raise _Wrong("act ask needs `missing`, the argument that is to be asked for")
    if act == "call":
        for one in expected:
            _check(one, catalogue)
    tools = _tools(row, expected, act, catalogue)
    return GoldenRow(number, query, act, expected, missing, tools, history)


def _spoken(messages: Any) -> tuple[Any, tuple[Message, ...]]:
    """What the user says last, and the messages before; all, where the last are results."""
    if (
        not isinstance(messages, list)
        or not 0 < len(messages) <= MAX_MESSAGES
        or not all(isinstance(one, dict) for one in messages)
    ):
        raise _Wrong(f"`messages` must be 1 to {MAX_MESSAGES} messages, the last of the user")
    users = [number for number, one in enumerate(messages) if one.get("role") == "user"]
    if messages[-1].get("role") not in ("user", "tool") or not users:
        raise _Wrong("the last of `messages` must be the user's, or what a call gave back")
    is_step = messages[-1]["role"] == "tool"
    before = messages if is_step else messages[:-1]
    history = tuple(_message(number, one) for number, one in enumerate(before, 1))
    return messages[users[-1]].get("content"), history


def _message(number: int, message: dict[str, Any]) -> Message:
    """A message before the last, with nothing but what a model may read."""
    role, content = message.get("role"), message.get("content")
    if role == "assistant" and message.get("tool_calls"):
        try:
            return {**assistant(calls_of(message)), "content": _text(number, content or "")}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _Wrong(f"messages: {number}: `tool_calls` are none of OpenAI's form") from None
    if role not in ("user", "assistant", "tool"):
        raise _Wrong(f"messages: {number}: role {role!r:.40} is none of user, assistant, tool")
    if role == "tool":
        called = _text(number, message.get("tool_call_id", ""))
        return {"role": role, "tool_call_id": called, "content": _text(number, content)}
    return {"role": role, "content": _text(number, content)}


def _text(number: int, content: Any) -> str:
    if not isinstance(content, str) or len(content) > MAX_QUERY or not is_valid(content):
        raise _Wrong(f"messages: {number}: `content` is no text of at most {MAX_QUERY} characters")
    return content


def _expected(row: dict[str, Any], catalogue: Catalogue) -> tuple[Expected, ...]:
    given = row.get("expected")
    if given is None and row.get("function") is not None:
        arguments = row["arguments"] if "arguments" in row else _flat(row, catalogue)
        if not isinstance(arguments, dict):
            raise _Wrong(f"`arguments` is {reprlib.repr(arguments)}: it must be an object")
        short = {
            name: value["any_of"] if isinstance(value, dict) and [*value] == ["any_of"] else [value]
            for name, value in arguments.items()
        }
        given = [{"name": row["function"], "arguments": short}]
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MAX_CALLS:
        raise _Wrong(f"`expected` must be a list of at most {MAX_CALLS} calls")
    calls = []
    for call in given:
        if not isinstance(call, dict) or not isinstance(call.get("arguments"), dict):
            raise _Wrong(f"expected: {reprlib.repr(call)} is no call: give name and arguments")
        if call.get("name") not in catalogue:
            raise _Wrong(f"the function {call.get('name')!r:.80} is not in the catalogue")
        for name, values in call["arguments"].items():
            if not isinstance(values, list) or not 0 < len(values) <= MAX_ACCEPTED:
                raise _Wrong(f"{name}: list the accepted values, at least one")
            for value in values:
                if isinstance(value, str) and (len(value) > MAX_QUERY or not is_valid(value)):
                    raise _Wrong(
                        f"{name}: {value!a:.60} has more than {MAX_QUERY} characters, or half a "
                        "surrogate pair: write a text"
                    )
        calls.append(Expected(call["name"], call["arguments"]))
    return tuple(calls)


def _flat(row: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """The arguments of a row that has a column each; an empty one is not there."""
    function = row["function"]
    properties = catalogue[function].properties if function in catalogue else {}
    return {name: row[name] for name in properties if row.get(name) is not None}


def _check(expected: Expected, catalogue: Catalogue) -> None:
    """Raise _Wrong where the function does not take the first accepted values."""
    first = {
        name: next(value for value in values if value != ABSENT)
        for name, values in expected.arguments.items()
        if any(value != ABSENT for value in values)
    }
    errors: list[Problem] = problems(Call(expected.name, first), catalogue)
    if errors:
        raise _Wrong(f"{expected.name}: {errors[0].code}: {errors[0].text}")


def _tools(
    row: dict[str, Any], expected: tuple[Expected, ...], act: str, catalogue: Catalogue
) -> tuple[str, ...] | None:
    given = row.get("tools")
    if given is None:
        return None
    if not isinstance(given, list) or not given:
        raise _Wrong("`tools` must be a list of names of functions that is not empty")
    names = [one["function"]["name"] if isinstance(one, dict) and "function" in one else one
             for one in given]  # fmt: skip
    for name in names:
        if name not in catalogue:
            raise _Wrong(f"tools: {name!r:.80} is not in the catalogue")
    for one in expected:
        if act == "call" and one.name not in names:
            raise _Wrong(f"tools: {one.name} is expected and not shown")
    return tuple(names)
