"""The completion store: no completion is paid for twice.

One SQLite file in data/.work, shared by all experiments, by writing and by scoring. The key is a
hash of everything that the answer depends on. Every row carries a checksum over key, model and
text: whatever happens to the file, a text that was not put under that key is never returned.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from stages.core import files
from stages.core.command import InputError

T = TypeVar("T")
StoredRow = tuple[str, str, str, float, bytes]  # key, model, text, made (Unix seconds), checksum
BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
BATCH = 500
# Seconds that a process waits for another that writes.
PATIENCE = 60
NAME = "completions.sqlite"
TABLES = """
CREATE TABLE IF NOT EXISTS completions (
    key TEXT PRIMARY KEY, model TEXT, text TEXT, made REAL DEFAULT (unixepoch()), checksum BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uses (model TEXT PRIMARY KEY, hits INTEGER, misses INTEGER);
"""


def key(
    model: str,
    messages: list[dict[str, Any]],
    sampling: dict[str, Any],
    seed: int,
    picture: str | None = None,
) -> str:
    """The key of a request. `model` names the weights, by digest or by name and revision rather
    than by path; `picture` is the digest of the picture that goes with the messages, if one does.
    """
    asked = [model, messages, sampling, seed] + ([picture] if picture else [])
    return hashlib.sha256(
        json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()
    ).hexdigest()


def short(name: str) -> str:
    """A key as tables have it, in the column prompt_hash."""
    return name[:16]


def checksum(name: str, model: str, text: str) -> bytes:
    """Eight bytes that distinguish an intact row from a damaged one."""
    row = "\0".join(map(str, (name, model, text))).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(row, digest_size=8).digest()


class Usage(NamedTuple):
    """What the store holds of a model, and how often it was asked for it."""

    model: str
    entries: int
    oldest: float | None
    newest: float | None
    hits: int
    misses: int


class Store:
    """Completions by key; every `put` is on disk before it returns; safe for several processes.

    A file that SQLite finds damaged is set aside with a message, and a new one takes over the rows
    whose checksums hold. Raises InputError when the file cannot be read or written (no space, no
    permission). SQLite's write-ahead log needs a local disk, not a network folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path.parent} cannot be made: {error.strerror}") from None
        self._run(_prepare)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=PATIENCE)
        # Damaged bytes are for the checksum to find, not for the decoder.
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        return db

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction; a damaged file is replaced and the work done on the new one."""
        until, replaced = time.monotonic() + PATIENCE, False
        while True:
            try:
                with closing(self._connect()) as db, db:
                    db.execute("PRAGMA journal_mode = WAL")
                    db.execute("PRAGMA synchronous = FULL")
                    return work(db)
            except sqlite3.DatabaseError as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code == sqlite3.SQLITE_BUSY and time.monotonic() < until:
                    # SQLite's own waiting leaves out some cases, such as two processes that both
                    # set the journal mode of a new file.
                    time.sleep(0.01)
                    continue
                if replaced or code not in BROKEN:
                    raise InputError(
                        f"{self.path}: {error}: free disk space or mend its permissions; what was "
                        "written before is kept"
                    ) from None
            self._replace()
            replaced = True

    def _replace(self) -> None:
        """Set the damaged file aside; keep its intact rows."""
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_whole(self.path):
                return  # another process was faster
            aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
            for end in ("-shm", "-wal"):
                part = self.path.with_name(self.path.name + end)
                if part.exists():
                    part.rename(aside.with_name(aside.name + end))
            os.link(self.path, aside)
            saved = _whole_rows(aside)
            # Other processes see the damaged file or the new one, never none.
            with files.replacing(self.path) as new, closing(sqlite3.connect(new)) as db, db:
                _prepare(db)
                _insert(db, saved)
        print(
            f"warning: {self.path} was damaged. It is set aside as {aside.name}; "
            f"{len(saved)} whole completions of it are kept, the others will be asked for again",
            file=sys.stderr,
        )

    def get(self, keys: Iterable[str]) -> dict[str, str]:
        """The completions that the store has, by key."""
        wanted = list(dict.fromkeys(keys))
        completions: dict[str, str] = {}

        def read(db: sqlite3.Connection) -> None:
            for start in range(0, len(wanted), BATCH):
                part = wanted[start : start + BATCH]
                marks = ",".join("?" * len(part))
                rows = db.execute(
                    f"SELECT key, model, text, checksum FROM completions WHERE key IN ({marks})",
                    part,
                )
                completions.update(
                    (name, text)
                    for name, model, text, total in rows
                    if total == checksum(name, model, text)
                )

        self._run(read)
        return completions

    def put(self, model: str, rows: Iterable[tuple[str, str]]) -> None:
        """Keep (key, completion) rows; one transaction."""
        now = time.time()
        records = [(name, model, text, now, checksum(name, model, text)) for name, text in rows]
        self._run(lambda db: _insert(db, records))

    def count(self, model: str, hits: int, misses: int) -> None:
        """Remember how many requests the store could answer, for its hit rate."""
        self._run(
            lambda db: db.execute(
                "INSERT INTO uses VALUES (?, ?, ?) ON CONFLICT (model) DO UPDATE "
                "SET hits = hits + excluded.hits, misses = misses + excluded.misses",
                (model, hits, misses),
            )
        )

    def usage(self) -> list[Usage]:
        """A row per model, the one with most entries first."""
        rows = self._run(
            lambda db: db.execute(
                "SELECT model, sum(n), min(oldest), max(newest), sum(hits), sum(misses) FROM ("
                "SELECT model, count(*) AS n, min(made) AS oldest, max(made) AS newest, "
                "0 AS hits, 0 AS misses FROM completions GROUP BY model "
                "UNION ALL SELECT model, 0, NULL, NULL, hits, misses FROM uses"
                ") GROUP BY model ORDER BY sum(n) DESC, model"
            ).fetchall()
        )
        return [Usage(*row) for row in rows]

    def size(self) -> int:
        """Bytes on disk, the write-ahead log included."""
        parts = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())

    def prune(self, older_than: float | None = None, model: str | None = None) -> int:
        """Delete what is older than so many days and, if given, of that model; return how many.

        InputError if neither is given: nothing is deleted by mistake.
        """
        if older_than is None and model is None:
            raise InputError("--store-prune needs --older-than DAYS, --model ID, or both")
        before = time.time() - (older_than or 0) * 86_400
        where = "made <= ?" + (" AND model = ?" if model is not None else "")
        values = [before] + ([model] if model is not None else [])
        deleted = self._run(
            lambda db: db.execute(f"DELETE FROM completions WHERE {where}", values).rowcount
        )
        self._run(lambda db: db.execute("VACUUM"))  # gives the space back
        return deleted


def summary(store: Store) -> str:
    """What the store holds, as lines of text: a model's entries, age and hit rate each."""
    usage = store.usage()
    lines = [
        f"{store.path}: {sum(row.entries for row in usage)} completions, "
        f"{store.size() / 2**20:.1f} MiB"
    ]
    for row in usage:
        asked = row.hits + row.misses
        rate = f"{row.hits / asked:.1%} of {asked} requests answered" if asked else "never asked"
        days = [(time.time() - made) / 86_400 for made in (row.oldest, row.newest) if made]
        age = f", {days[1]:.1f} to {days[0]:.1f} days old" if len(days) == 2 else ""
        lines.append(f"  {row.model}: {row.entries} entries{age}, {rate}")
    return "\n".join(lines)


def _prepare(db: sqlite3.Connection) -> None:
    """Make the tables, or give a file from before the checksums its checksums."""
    db.executescript(TABLES)
    if not _has_checksums(db):
        db.execute("BEGIN IMMEDIATE")
        if not _has_checksums(db):  # still, now that no other process is at it
            db.create_function("checksum", 3, checksum, deterministic=True)
            db.execute("ALTER TABLE completions ADD COLUMN checksum BLOB")
            db.execute("UPDATE completions SET checksum = checksum(key, model, text)")


def _has_checksums(db: sqlite3.Connection) -> bool:
    return "checksum" in [row[1] for row in db.execute("PRAGMA table_info(completions)")]


def _insert(db: sqlite3.Connection, rows: Iterable[StoredRow]) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO completions (key, model, text, made, checksum) "
        "VALUES (?, ?, ?, ?, ?)",
        rows,
    )


def _is_whole(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def _whole_rows(path: Path) -> list[StoredRow]:
    """Rows of a damaged file whose checksums hold: from the front and from the back, up to the
    first damaged page on either way.
    """
    saved: dict[str, StoredRow] = {}
    for order in ("ASC", "DESC"):
        try:
            with closing(sqlite3.connect(path)) as db:
                db.text_factory = lambda raw: raw.decode("utf-8", "replace")
                db.execute("PRAGMA writable_schema = ON")  # reads a file that was cut short
                for row in db.execute(
                    f"SELECT key, model, text, made, checksum FROM completions ORDER BY key {order}"
                ):
                    if row[4] == checksum(*row[:3]):
                        saved[row[0]] = row
        except sqlite3.DatabaseError:
            continue
    return list(saved.values())
