"""The state of a world: a database in memory that can be copied, put back and compared.

The SQL of a pack is data: it may write rows of its own tables and nothing else, and it stops at its
limits.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import random
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stages.core.command import InputError
from stages.core.worlds import World

NUMBERS = "CREATE TEMP TABLE numbers AS WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 \
FROM n WHERE n < 999) SELECT n FROM n"
# Functions whose value no seed decides, and such that leave the database.
FORBIDDEN = frozenset(
    {"random", "randomblob", "load_extension", "readfile", "writefile", "current_timestamp",
     "current_date", "current_time", "last_change", "sqlite_version", "zeroblob"}
)  # fmt: skip
# What any statement may do, and what such may do that write.
READING = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
WRITING = READING | {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
# SQLite asks what a statement may do when it is prepared, and Python keeps statements by their
# text: so the same text is another one for who reads, who writes, and for this module's own.
READS, WRITES = "/*read*/", "/*write*/"
# SQLite asks to write here when it makes the table of json_each, also for who only reads; that a
# statement does so it refuses by itself.
SCHEMA = "sqlite_master"
# Steps of SQLite's machine between two looks at the limits.
LOOK = 1_000


@dataclass(frozen=True)
class Limits:
    """What one call may take: steps of SQLite's machine, which are the same on any machine, and
    seconds, for what takes long in one step; rows and bytes of its result;
    bytes of one value, pages (of 4 KiB) of the database, and bytes of all databases of the process,
    for SQLite counts these together.
    """

    steps: int = 2_000_000
    seconds: float = 20.0
    rows: int = 200
    bytes: int = 200_000
    value: int = 1_000_000
    pages: int = 4_096
    heap: int = 512 * 2**20


LIMITS = Limits()


class State:
    """A world in a state. Not for several threads at once."""

    def __init__(
        self, world: World, today: datetime.date, words: Mapping[str, Sequence[str]] | None = None,
        seed: int = 0, limits: Limits = LIMITS,
    ) -> None:  # fmt: skip
        self.world, self.today, self.limits = world, today, limits
        self.seed, self.words = seed, words or {}
        self._allowed: frozenset[int] | None = None
        self._steps, self._until = 0, 0.0
        self._orders: dict[str, list[str]] = {}
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._connect()

    @classmethod
    def open(
        cls, world: World, seed: int, today: datetime.date, words: Mapping[str, Sequence[str]],
        limits: Limits = LIMITS,
    ) -> State:  # fmt: skip
        """The initial state of a seed. words: the vocabularies of the pack, a list of values each.
        Raises InputError for SQL that is wrong or passes the limits.
        """
        state = cls(world, today, words, seed, limits)
        for name, text in (("schema", world.schema), ("seed", world.seed)):
            try:
                state.connection.execute("BEGIN")
                with state.limited(None if name == "schema" else WRITING):
                    for statement in split(text):
                        state.connection.execute(WRITES + statement)
                state.connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise InputError(f"world {world.name}, {name}.sql: {error!s:.300}") from None
        state._numbers.clear()
        state.begin()
        return state

    @classmethod
    def restored(
        cls, world: World, snapshot: bytes, today: datetime.date, limits: Limits = LIMITS
    ) -> State:
        """The state of a snapshot, in a connection of its own: SQLite 3.40 crashes when a snapshot
        takes the place of tables that have statements.
        """
        state = cls(world, today, limits=limits)
        state.connection.deserialize(snapshot)
        state.begin()
        return state

    def _connect(self) -> None:
        self.connection = sqlite3.connect(
            ":memory:", isolation_level=None, cached_statements=1_000, check_same_thread=False
        )
        made, limits = self.connection, self.limits
        made.execute(f"PRAGMA hard_heap_limit = {limits.heap}")
        made.execute(f"PRAGMA max_page_count = {limits.pages}")
        made.execute("PRAGMA foreign_keys = ON")
        made.execute("PRAGMA temp_store = MEMORY")
        made.execute(NUMBERS)
        made.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limits.value)
        made.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        made.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 100)
        made.setlimit(sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 50)
        made.setlimit(sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 10)
        made.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000)
        for name, count, does in (
            ("draw", 3, self._draw), ("pick", 2, self._pick), ("word", 2, self._word),
            ("day", 1, self._day), ("today", 0, self.today.isoformat),
        ):  # fmt: skip
            made.create_function(name, count, does, deterministic=True)
        made.set_authorizer(self._authorize)
        made.set_progress_handler(self._look, LOOK)

    def close(self) -> None:
        """End it."""
        self.connection.close()

    # Limits

    def _authorize(self, action: int, one: str | None, two: str | None, *_: Any) -> int:
        allowed = self._allowed
        if allowed is None:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_UPDATE and one == SCHEMA:
            return sqlite3.SQLITE_OK
        if action not in allowed:
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION and (two or "").lower() in FORBIDDEN:
            return sqlite3.SQLITE_DENY
        if action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE):
            own = not (one or "").lower().startswith("sqlite_") and (one or "").lower() != "numbers"
            return sqlite3.SQLITE_OK if own else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    def _look(self) -> int:
        if self._until == 0.0:
            return 0
        self._steps += LOOK
        return int(self._steps > self.limits.steps or time.monotonic() > self._until)

    @contextmanager
    def limited(self, allowed: frozenset[int] | None) -> Iterator[None]:
        """What runs within may do what is allowed, None for anything, and stops at the limits with
        sqlite3.OperationalError.
        """
        before = self._allowed
        self._allowed, self._steps = allowed, 0
        self._until = time.monotonic() + self.limits.seconds
        try:
            yield
        finally:
            self._allowed, self._until = before, 0.0

    # What SQL may ask

    def _number(self, *names: Any) -> int:
        """A large number that belongs to this state and these names."""
        number = self._numbers.get(names)
        if number is None:
            text = f"{self.world.name}\0{self.seed}\0{names!r}"
            digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
            number = self._numbers[names] = int.from_bytes(digest, "big")
        return number

    def _draw(self, key: Any, low: int, high: int) -> int:
        return int(low) + self._number("draw", key) % (int(high) - int(low) + 1)

    def _pick(self, name: str, key: Any) -> str | None:
        values = self.words.get(name)
        return values[self._number("pick", name, key) % len(values)] if values else None

    def _word(self, name: str, number: int) -> str | None:
        if name not in self._orders:
            values = self.words.get(name) or ()
            draw = random.Random(self._number("word", name))
            self._orders[name] = draw.sample(values, len(values))
        order = self._orders[name]
        return order[number] if 0 <= number < len(order) else None

    def _day(self, days: int) -> str:
        return (self.today + datetime.timedelta(days=int(days))).isoformat()

    # Copies, and ways back

    def snapshot(self) -> bytes:
        """All of it, for `restored`. It is also what `reset` leads back to from now on, for SQLite
        copies what is committed alone.
        """
        self.begin()
        return self.connection.serialize()

    def begin(self) -> None:
        """Make this the state to which `reset` leads back."""
        if self.connection.in_transaction:
            self.connection.execute("COMMIT")
        self.connection.execute("BEGIN")

    def reset(self) -> None:
        """Go back to the state at `begin`."""
        self.connection.execute("ROLLBACK")
        self.connection.execute("BEGIN")

    def mark(self) -> None:
        """Begin what `undo` can take back."""
        self.connection.execute("SAVEPOINT mark")

    def undo(self) -> None:
        """Take back what was done since the last `mark`, which stays."""
        self.connection.execute("ROLLBACK TO mark")

    def keep(self) -> None:
        """Keep what was done since the last `mark`, and forget that mark."""
        self.connection.execute("RELEASE mark")

    def digest(self) -> str:
        """SHA-256 of all rows of all tables, whatever order they were written in."""
        made = hashlib.sha256()
        for name, columns in self._tables:
            order = ", ".join(map(str, range(1, columns + 1)))
            rows = self.connection.execute(f'SELECT * FROM "{name}" ORDER BY {order}').fetchall()
            made.update(f"{name} {rows!r}".encode())
        return made.hexdigest()

    @cached_property
    def _tables(self) -> list[tuple[str, int]]:
        """The tables, by name, and how many columns each has."""
        return self.connection.execute(
            "SELECT s.name, (SELECT count(*) FROM pragma_table_info(s.name)) FROM sqlite_schema s "
            "WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%' ORDER BY s.name"
        ).fetchall()

    def rows(self, query: str, arguments: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query that only reads. Raises InputError for one that is wrong."""
        try:
            with self.limited(READING):
                bound = {} if arguments is None else arguments
                return self.connection.execute(READS + query, bound).fetchmany(10_000)
        except sqlite3.Error as error:
            raise InputError(f"world {self.world.name}: {query:.100}: {error!s:.200}") from None

    def holds(self, expression: str, arguments: Mapping[str, Any]) -> bool:
        """Whether an SQL expression over arguments and state is true; those that are missing are
        NULL.
        """
        return bool(self.rows(f"SELECT ({expression})", Bound(arguments))[0][0])


class Bound(dict[str, Any]):
    """Arguments as SQL has them: what is missing is NULL, lists and objects are JSON text."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        super().__init__({name: _plain(value) for name, value in arguments.items()})

    def __missing__(self, key: str) -> None:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def split(text: str) -> list[str]:
    """The statements of an SQL text."""
    statements, current = [], ""
    for part in text.split(";")[:-1]:
        current += part + ";"
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    rest = current + text.rpartition(";")[2]
    bare = "\n".join(line.partition("--")[0] for line in rest.splitlines())
    return statements + ([rest] if bare.strip() else [])
