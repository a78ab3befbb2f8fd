"""Calls in a world: whatever is called, there is a result, a JSON object, and what failed has left
no trace.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.core.worlds import ROW, Condition, WorldFunction
from stages.worlds.state import READING, READS, WRITES, WRITING, Bound, State

ERROR = "error"
NOTHING = "Nothing was found."
JSON, FLAGS = "_json", ("is_", "has_")


class Outcome(NamedTuple):
    """What a call gives back, and whether that is an error."""

    result: dict[str, Any]
    is_error: bool


def call(state: State, name: str, arguments: Mapping[str, Any]) -> Outcome:
    """Do a call, which any model may have written. What is wrong with it is its result."""
    function = state.world.functions.get(name)
    if function is None:
        return _error(f"There is no function {name!r:.60}.")
    if unknown := [one for one in arguments if one not in function.parameters]:
        return _error(f"{name} has no argument {unknown[0]!r:.60}.")
    bound = Bound(arguments)
    try:
        failed = _unmet(state, function, bound)
        if failed is not None:
            return _error(failed.error)
        return _done(state, function, bound)
    except (sqlite3.Error, ValueError, OverflowError, TypeError) as error:
        return _error(_told(error))


def unmet(state: State, name: str, arguments: Mapping[str, Any]) -> Condition | None:
    """The first condition of a function that does not hold."""
    return _unmet(state, state.world.functions[name], Bound(arguments))


def _unmet(state: State, function: WorldFunction, bound: Bound) -> Condition | None:
    with state.limited(READING):
        for condition in function.requires:
            query = f"{READS}SELECT ({condition.holds})"
            if not state.connection.execute(query, bound).fetchone()[0]:
                return condition
    return None


def _done(state: State, function: WorldFunction, bound: Bound) -> Outcome:
    connection, limits = state.connection, state.limits
    connection.execute("SAVEPOINT done")
    try:
        is_write = function.effect == "write"
        mode, allowed = (WRITES, WRITING) if is_write else (READS, READING)
        with state.limited(allowed):
            for statement in function.statements[:-1]:
                connection.execute(mode + statement, bound)
            cursor = connection.execute(mode + function.statements[-1], bound)
            names = [column[0] for column in cursor.description]
            fetched = cursor.fetchmany(limits.rows + 1)
            cursor.close()
        if len(fetched) > limits.rows:
            raise ValueError("The result has too many rows.")
        rows = [
            {_name(n): _value(n, v) for n, v in zip(names, row, strict=True)} for row in fetched
        ]
        if function.returns == ROW:
            outcome = Outcome(rows[0], False) if rows else _error(NOTHING)
        else:
            outcome = Outcome({function.returns: rows}, False)
        if len(json.dumps(outcome.result)) > limits.bytes:
            raise ValueError("The result is too large.")
    except BaseException:
        connection.execute("ROLLBACK TO done")
        connection.execute("RELEASE done")
        raise
    connection.execute("RELEASE done")
    return outcome


def _name(column: str) -> str:
    return column.removesuffix(JSON)


def _value(column: str, value: Any) -> Any:
    if column.endswith(JSON) and isinstance(value, str):
        return json.loads(value)
    if column.startswith(FLAGS) and value in (0, 1):
        return bool(value)
    return value.hex() if isinstance(value, bytes) else value


def _error(text: str) -> Outcome:
    return Outcome({ERROR: text}, True)


def _told(error: Exception) -> str:
    """What an API would say of it."""
    text = str(error)
    if "interrupted" in text:
        return "The request took too long."
    if isinstance(error, sqlite3.IntegrityError):
        return f"The request breaks a rule: {text:.200}."
    return (
        text
        if isinstance(error, ValueError) and text.endswith(".")
        else f"Bad request: {text:.200}."
    )
