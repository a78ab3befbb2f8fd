"""The completion store: damage of every kind, several processes, its numbers, pruning."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from stages.core import files
from stages.core.command import InputError
from stages.engines import models, store
from stages.engines.store import Store
from tests.conftest import ROOT

ROWS = {f"{n:064x}": f"completion {n} " + "x" * (n % 300) for n in range(3_000)}


@pytest.fixture
def full(tmp_path: Path) -> Store:
    kept = Store(tmp_path / store.NAME)
    kept.put("m", ROWS.items())
    return kept


def damage_header(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.write(b"\0" * 100)


def damage_pages(path: Path) -> None:
    """A torn write: three pages in the middle are zeros."""
    with path.open("r+b") as stream:
        stream.seek(path.stat().st_size // 2 // 4096 * 4096)
        stream.write(b"\0" * 3 * 4096)


def cut(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    path.write_bytes(b"<html>not a database</html>" * 1_000)


@pytest.mark.parametrize(
    ("damage", "least"), [(damage_header, 0), (damage_pages, 2_000), (cut, 500), (overwrite, 0)]
)
def test_a_damaged_file_is_set_aside_and_what_is_whole_is_kept(
    full: Store, damage: Callable[[Path], None], least: int, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(full.path)
    found = full.get(ROWS)
    assert all(ROWS[name] == text for name, text in found.items())
    assert least <= len(found) < len(ROWS)
    told = capsys.readouterr().err
    aside = list(full.path.parent.glob(f"{store.NAME}.damaged-*[0-9]"))
    assert len(aside) == 1 and aside[0].name in told
    assert f"{len(found)} whole completions" in told
    full.put("m", ROWS.items())
    assert Store(full.path).get(ROWS) == ROWS
    assert capsys.readouterr().err == ""


def test_a_changed_text_is_a_miss_even_where_sqlite_sees_no_damage(full: Store) -> None:
    names = list(ROWS)
    full.put("m", [])  # the log is empty, all is in the file
    with closing(sqlite3.connect(full.path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = full.path.read_bytes()
    assert raw.count(b"completion 1234 x") == 1
    full.path.write_bytes(raw.replace(b"completion 1234 x", b"completion 9999 x"))
    found = full.get(names)
    assert names[1234] not in found and len(found) == len(ROWS) - 1
    # As if two rows had changed places.
    with closing(sqlite3.connect(full.path)) as db, db:
        db.execute(
            "UPDATE completions SET text = 'other', checksum = "
            f"(SELECT checksum FROM completions WHERE key = '{names[6]}') WHERE key = '{names[5]}'"
        )
    assert names[5] not in full.get(names)


def test_a_file_from_before_the_checksums_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / store.NAME
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "CREATE TABLE completions (key TEXT PRIMARY KEY, model TEXT, text TEXT, "
            "made REAL DEFAULT (unixepoch())) WITHOUT ROWID"
        )
        db.executemany("INSERT INTO completions (key, model, text) VALUES (?, 'm', ?)",
                       list(ROWS.items())[:10])  # fmt: skip
    assert len(Store(path).get(ROWS)) == 10
    assert len(Store(path).get(ROWS)) == 10


def _look(path: Path) -> None:
    kept = Store(path)
    for _ in range(20):
        kept.get(list(ROWS)[:50])
        kept.put("m", [("new", "text")])


def test_processes_that_find_damage_together_replace_it_once(full: Store) -> None:
    damage_header(full.path)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_look, args=(full.path,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert full.get(["new"]) == {"new": "text"}
    assert len(list(full.path.parent.glob(f"{store.NAME}.damaged-*[0-9]"))) == 1


def _two_experiments(path: Path, first: int) -> None:
    kept = Store(path)
    for start in range(first, first + 400, 20):
        kept.put("m", list(ROWS.items())[start : start + 20])
        kept.count("m", 5, 20)


def test_two_experiments_at_once_lose_no_entry(tmp_path: Path) -> None:
    path = tmp_path / store.NAME
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_two_experiments, args=(path, n)) for n in (0, 200)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    kept = Store(path)
    assert kept.get(ROWS) == dict(list(ROWS.items())[:600])
    (row,) = kept.usage()
    assert (row.entries, row.hits, row.misses) == (600, 200, 800)


def test_a_new_store_is_made_by_several_at_once(tmp_path: Path) -> None:
    """SQLite does not wait where two set the journal mode of a new file: the store must."""
    failed: list[Exception] = []
    together = threading.Barrier(6)

    def begin(number: int) -> None:
        for n in range(10):
            together.wait()
            try:
                Store(tmp_path / f"{n}.sqlite").put("m", [(str(number), "text")])
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    kept = [Store(tmp_path / f"{n}.sqlite").usage()[0].entries for n in range(10)]
    assert kept == [6] * 10


def test_usage_and_pruning(full: Store) -> None:
    full.put("other", [("k", "v")])
    full.count("m", 3, 1)
    full.count("m", 1, 3)
    rows = {row.model: row for row in full.usage()}
    assert (rows["m"].entries, rows["m"].hits, rows["m"].misses) == (3_000, 4, 4)
    assert rows["other"].entries == 1
    assert "m: 3000 entries" in store.summary(full) and "50.0% of 8 requests" in store.summary(full)
    before = full.size()
    assert full.prune(older_than=1) == 0
    with closing(sqlite3.connect(full.path)) as db, db:
        old = time.time() - 10 * 86_400
        db.execute("UPDATE completions SET made = ? WHERE key < ?", (old, list(ROWS)[1_000]))
    assert full.prune(older_than=9, model="other") == 0
    assert full.prune(older_than=9) == 1_000
    assert full.prune(model="m") == 2_000
    assert full.size() < before / 4
    assert full.get(["k"]) == {"k": "v"}
    with pytest.raises(InputError, match="needs --older-than DAYS, --model ID"):
        full.prune()


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from stages import generate  # heavy: not for the processes that import this file

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    Store(tmp_path / "data/.work" / store.NAME).put("m", ROWS.items())
    generate.main(["--store-stats"])
    assert "3000 completions" in capsys.readouterr().out
    generate.main(["--store-prune", "--model", "m"])
    told = capsys.readouterr().out
    assert "3000 completions deleted" in told and "0 completions," in told
    with pytest.raises(SystemExit):
        generate.arguments(["text", "--store-stats"])
    with pytest.raises(InputError, match="older-than -5"):
        generate.main(["--store-prune", "--older-than", "-5"])


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/x cannot be made"):
        Store(tmp_path / "file" / "x" / store.NAME)
    (tmp_path / store.NAME).mkdir()
    with pytest.raises(InputError, match=r"completions.sqlite: unable to open"):
        Store(tmp_path / store.NAME)


# --- folders and files that killed processes leave

LEAVE = """
import os, signal
from stages.core import files
with files.scratch("merged") as folder, files.replacing("out/table.parquet") as temporary:
    (folder / "weights").write_text("x")
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_killed_processes_left_is_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    subprocess.run([sys.executable, "-c", LEAVE], env={**os.environ, "PYTHONPATH": str(ROOT)})
    (left,) = files.work_dir().glob("merged-*")
    assert (left / "weights").is_file() and len(list(Path("out").iterdir())) == 1
    with files.scratch("merged") as one:
        assert not left.exists()
        with files.scratch("merged") as two:  # as another process would
            assert one.is_dir() and two.is_dir()
    with files.replacing("out/table.parquet") as temporary:
        temporary.write_text("whole")
    assert [p.name for p in Path("out").iterdir()] == ["table.parquet"]
    assert not list(files.work_dir().glob("merged-*"))


HOLD = """
import sys
from pathlib import Path
from stages.core import files
with files.alone(Path("lock")), Path("log").open("a", buffering=1) as log:
    log.write("in\\n")
    print("in", flush=True)
    sys.stdin.readline()
    log.write("out\\n")
"""


def test_the_same_work_is_done_by_one_process_at_a_time(tmp_path: Path) -> None:
    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", HOLD], env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    with start() as one, start() as other:
        told = {process: process.stdout.readline() for process in (one, other) if process.stdout}
        first, second = sorted(told, key=lambda process: told[process] != "in\n")
        assert told[first] == "in\n" and "another process does the same work" in told[second]
        first.communicate("\n")
        out, _ = second.communicate("\n")
    assert out == "in\n" and first.returncode == second.returncode == 0
    assert (tmp_path / "log").read_text() == "in\nout\n" * 2


def test_a_models_digest_is_that_of_its_files_empty_ones_too(tmp_path: Path) -> None:
    """It is part of every completion's key: another value would ask for all of them again."""
    held = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b""}
    for name, data in held.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "notes.txt").write_text("not of the model")
    told = hashlib.sha256(b"".join(hashlib.sha256(data).digest() for data in held.values()))
    assert models.digest(tmp_path) == told.hexdigest()[:16]
