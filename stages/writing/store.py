"""The completion store: no completion is paid for twice.

One SQLite file in data/.work, shared by all experiments. The key is a hash of everything that the
answer depends on: model and revision, messages, sampling, seed.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any


def key(model: str, messages: list[dict[str, Any]], sampling: dict[str, Any], seed: int) -> str:
    """The key of a request; `model` names the weights, by digest rather than by path."""
    asked = json.dumps([model, messages, sampling, seed], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(asked.encode()).hexdigest()


class Store:
    """Completions by key; every `put` is on disk before it returns; safe for several processes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        with closing(self._connect()) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS completions (key TEXT PRIMARY KEY, model TEXT, "
                       "text TEXT, made REAL DEFAULT (unixepoch())) WITHOUT ROWID")  # fmt: skip

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=60)
        db.execute("PRAGMA journal_mode = WAL")
        return db

    def get(self, keys: Iterable[str]) -> dict[str, str]:
        """The completions that the store has, by key."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, str] = {}
        with closing(self._connect()) as db:
            for start in range(0, len(wanted), 500):
                part = wanted[start : start + 500]
                marks = ",".join("?" * len(part))
                found.update(
                    db.execute(f"SELECT key, text FROM completions WHERE key IN ({marks})", part)
                )
        return found

    def put(self, model: str, rows: Iterable[tuple[str, str]]) -> None:
        """Keep (key, completion) rows; one transaction."""
        with closing(self._connect()) as db, db:
            db.executemany(
                "INSERT OR REPLACE INTO completions (key, model, text) VALUES (?, ?, ?)",
                [(name, model, text) for name, text in rows],
            )
