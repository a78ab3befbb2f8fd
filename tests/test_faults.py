"""Stages that are killed at random moments, and what they have when they are run again.

`make test-faults` runs the long form: ROUTENATOR_KILLS=20.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stages.core import files, prompts
from stages.core import pack as packs
from stages.core.plan import from_record
from stages.core.tables import Plans
from stages.core.templates import lexicon
from stages.engines import as_chat
from stages.engines.store import NAME, Store
from stages.generation.prompting import Prompter
from stages.spine.writing import ENGINE
from tests import fakes
from tests.conftest import BATCH, PACK, ROOT, params, stage, start

KILLS = int(os.environ.get("ROUTENATOR_KILLS", "4"))


@pytest.fixture
def place(routed: Path, tmp_path: Path) -> Path:
    """A copy of `routed` of the test's own."""
    return Path(shutil.copytree(routed, tmp_path / "place", symlinks=True))


@pytest.fixture
def fake(place: Path) -> Iterator[fakes.Fake]:
    """A server that answers in 20 ms, and the copy's params.yaml names it."""
    with fakes.running(seconds=0.02) as running:
        params(place, lambda v: v["generate"]["server"].update(address=running.address))
        yield running


@contextmanager
def holding(fake: fakes.Fake, passing: int) -> Iterator[None]:
    """In the block the server gives `passing` answers, and no other before it ends."""
    opened, before = threading.Event(), len(fake.answered)
    fake.behave = fakes.held(passing, opened)
    try:
        yield
    finally:
        fake.behave = None
        opened.set()
    assert len(fake.answered) == before + passing


def answered(process: subprocess.Popen[Any], fake: fakes.Fake, wanted: int) -> None:
    """Wait until the server has given `wanted` answers to the stage, which goes on."""
    while process.poll() is None and len(fake.answered) < wanted:
        time.sleep(0.005)
    assert process.poll() is None, process.communicate()


def table(folder: Path) -> bytes:
    return (folder / "data/generated/text.parquet").read_bytes()


@pytest.mark.slow
def test_generate_is_killed_again_and_again(place: Path, fake: fakes.Fake) -> None:
    """The table is the one of an undisturbed run; a kill costs at most the batch under way."""
    began = time.monotonic()
    stage(place, "stages.generate", "text")
    seconds = time.monotonic() - began
    whole, asked = table(place), len(fake.answered)
    assert len(set(fake.answered)) == asked
    with closing(sqlite3.connect(place / "data/.work" / NAME)) as db:
        batches = [n for (n,) in db.execute("SELECT count(*) FROM completions GROUP BY made")]
    assert sum(batches) == asked and len(batches) > 3

    def fresh() -> None:
        shutil.rmtree(place / "data" / ".work")
        (place / "data/generated/text.parquet").unlink()
        fake.answered.clear()

    def again(kills: int) -> int:
        """How many completions a finished run and the `kills` before it computed again."""
        assert table(place) == whole
        assert len(set(fake.answered)) == asked
        assert len(fake.answered) - asked <= kills * max(batches)
        return len(fake.answered) - asked

    fresh()
    rng = random.Random(7)
    since = wasted = finished = 0
    for n in range(KILLS):
        while True:
            process = start(place, "stages.generate", "text")
            if n % 2:  # some die while they start, most while they write
                time.sleep(rng.uniform(0.1, seconds))
            else:
                seen = len(fake.answered)
                until = seen + rng.randint(1, 2 * BATCH)
                while process.poll() is None and len(fake.answered) < until:
                    time.sleep(0.005)
            process.send_signal(rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
            process.communicate(timeout=60)
            if process.returncode != 0:
                break
            # It was done before the signal: the next one starts from nothing.
            wasted, since, finished = wasted + again(since), 0, finished + 1
            fresh()
        since += 1
    stage(place, "stages.generate", "text")
    wasted += again(since)
    print(f"{KILLS} kills of {finished + 1} runs of {asked} completions: {wasted} computed again, "
          f"batch {max(batches)}")  # fmt: skip
    assert not list((place / "data/generated").glob(".*"))


@pytest.mark.slow
def test_ctrl_c_and_sigterm_say_so_and_leave_the_table_as_it_was(
    place: Path, fake: fakes.Fake
) -> None:
    stage(place, "stages.generate", "text")
    before = table(place)
    params(place, lambda v: v.update(seed=43))
    for sent, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        seen = len(fake.answered)
        with holding(fake, BATCH // 2):
            process = start(place, "stages.generate", "text")
            answered(process, fake, seen + BATCH // 2)
            process.send_signal(sent)
            _, err = process.communicate(timeout=60)
        assert process.returncode == status, err
        assert "Traceback" not in err
        assert table(place) == before


@pytest.mark.parametrize("deaf", [False, True])
def test_a_stage_in_the_background_hears_sigterm(deaf: bool) -> None:
    """A shell starts background jobs with SIGINT ignored."""
    waits = "import time\nfrom stages.core.command import run\n"
    waits += "run(lambda: (print('ready', flush=True), time.sleep(60)))"
    process = subprocess.Popen(
        [sys.executable, "-c", waits],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if deaf else None,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 143
    assert err == "stopped by SIGTERM; finished work is kept\n"


@pytest.mark.slow
def test_two_experiments_at_once_on_one_store(place: Path, fake: fakes.Fake) -> None:
    other = Path(shutil.copytree(place, place.with_name("other"), symlinks=True))
    params(other, lambda v: v.update(seed=43))
    shared = {"DVC_ROOT": str(place)}
    processes = [start(p, "stages.generate", "text", **shared) for p in (place, other)]
    for process in processes:
        assert process.wait(timeout=300) == 0, process.communicate()
    asked = len(fake.answered)
    assert asked == len(set(fake.answered))
    tables = [table(place), table(other)]
    for folder, before in zip((place, other), tables, strict=True):
        told = stage(folder, "stages.generate", "text", **shared)
        assert "asked for" not in told and "from the store" in told
        assert table(folder) == before
    assert len(fake.answered) == asked
    kept = Store(place / "data/.work" / NAME)
    assert sum(row.entries for row in kept.usage()) == asked


@pytest.mark.slow
def test_other_weights_use_what_is_there(place: Path, fake: fakes.Fake) -> None:
    """Of the completions that another plan needs and the store has, none is asked for again."""
    stage(place, "stages.generate", "text")
    had = set(fake.answered)
    fake.answered.clear()
    params(place, lambda v: v["route"]["weights"].update(text=0.3))
    stage(place, "stages.route")
    told = stage(place, "stages.generate", "text")
    store = json.loads((place / "data/.work/timings/generate_text.json").read_text())["store"]
    assert f"{store['misses']} asked for" in told and store["misses"] == len(fake.answered)
    assert not had & set(fake.answered)


@pytest.mark.slow
def test_server_faults_change_no_row(place: Path, fake: fakes.Fake) -> None:
    params(place, lambda v: v["generate"]["text"].update(batch=256))
    stage(place, "stages.generate", "text")
    whole, asked = table(place), set(fake.answered)
    shutil.rmtree(place / "data" / ".work")
    # Long enough for an answer on a busy machine, and shorter than a delay.
    params(place, lambda v: v["generate"]["server"].update(timeout=4))
    fake.answered.clear()
    fake.share, fake.delay = 0.2, 8.0
    told = stage(place, "stages.generate", "text")
    assert table(place) == whole
    assert set(fake.answered) == asked
    assert "failed" not in told


@pytest.mark.slow
def test_a_request_that_the_server_refuses_is_a_failed_row(place: Path, fake: fakes.Fake) -> None:
    plans = files.read_table(place / "data/routed/plans.parquet", Plans)
    # The first of a stratum with a quota is asked for, whatever becomes of the others.
    plan = from_record(plans.filter(pl.col("quota") > 0, route="text", rank=0).row(0, named=True))
    pack = packs.load_ingested(PACK, place / "data" / "ingested")
    assert pack.templates is not None
    prompter = Prompter(prompts.load(pack, route="text"), pack, lexicon(pack.templates))
    fake.refuse = json.dumps(as_chat(prompter.messages(plan)))
    stage(place, "stages.generate", "text")
    rows = pl.read_parquet(place / "data/generated/text.parquet")
    refused = rows.filter(check=ENGINE)
    assert 1 <= refused.height < rows.height / 2
    assert refused["completion"].unique().to_list() == [""]
    assert "too long" in refused["reason"][0]
    metrics = json.loads((place / "metrics/generate_text.json").read_text())
    assert metrics["failed"] == refused.height
    assert metrics["candidates"] == rows.height - refused.height
    assert "engine" not in metrics["rejected"]


@pytest.mark.slow
def test_a_server_that_dies_midway_keeps_what_it_answered(place: Path, fake: fakes.Fake) -> None:
    params(place, lambda v: v["generate"]["server"].update(retries=0))
    with holding(fake, 2 * BATCH):
        process = start(place, "stages.generate", "text")
        answered(process, fake, 2 * BATCH)
        fake.dead = True
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "does not answer" in err and "Traceback" not in err
    assert not (place / "data/generated/text.parquet").exists()
    fake.dead = False
    seen = len(fake.answered)
    (row,) = Store(place / "data/.work" / NAME).usage()
    assert seen - 2 * BATCH <= row.entries <= seen
    stage(place, "stages.generate", "text")
    assert len(set(fake.answered)) == Store(place / "data/.work" / NAME).usage()[0].entries


# --- under DVC


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, fakes.Fake]]:
    """A repository with the small configuration whose writer is a server, run up to `generate`."""
    from transformers import AutoTokenizer

    from tests.test_evaluate import tiny_llama
    from tests.test_pipeline import shell, small_copy

    tmp_path = tmp_path_factory.mktemp("prepared")
    folder, model = tmp_path / "repository", tmp_path / "model"
    student = tiny_llama(tmp_path / "student")
    tokenizer = AutoTokenizer.from_pretrained(student)
    tokenizer.chat_template = (
        "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}"
        "{% if add_generation_prompt %}<s>assistant: {% endif %}"
    )
    tokenizer.save_pretrained(student)
    folder.mkdir()
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_text("never read: a server answers")
    with fakes.running(seconds=0.03) as fake:
        small_copy(folder)

        def served(value: dict[str, Any]) -> None:
            value["models"].update(dict.fromkeys(("writer", "embedder"), f"path:{model}"))
            # Its tokens are bytes.
            value["models"]["student"] = f"path:{student}"
            value["finetune"]["max_length"] = value["engine"]["max_model_len"] = 4096
            value["generate"]["engine"] = "server"
            value["generate"]["server"]["address"] = fake.address

        params(folder, served)
        shell(folder, "dvc", "repro", "models", "route")
        shell(folder, "git", "add", "-A")
        shell(folder, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit",
              "-qm", "a server")  # fmt: skip
        yield folder, fake


@pytest.fixture
def repository(prepared: tuple[Path, fakes.Fake], tmp_path: Path) -> tuple[Path, fakes.Fake]:
    """A copy of `prepared` of the test's own, and the server, which has answered nobody yet."""
    folder, fake = prepared
    fake.answered.clear()
    return Path(shutil.copytree(folder, tmp_path / "repository", symlinks=True)), fake


def kill_the_stage(folder: Path, fake: fakes.Fake, *command: str) -> None:
    """Run a DVC command; SIGKILL `stages.generate text` once some of its answers are kept."""
    import psutil

    store = folder / "data/.work" / NAME
    with holding(fake, 80):
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        answered(process, fake, 80)
        while not sum(row.entries for row in Store(store).usage()):
            assert process.poll() is None
            time.sleep(0.1)
        for one in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # the stage ends with its watcher
                if one.cmdline()[-2:] == ["stages.generate", "text"]:
                    one.kill()
        _, err = process.communicate(timeout=300)
    assert process.returncode != 0, err


@pytest.mark.slow
@pytest.mark.parametrize("how", ["repro", "exp run --temp"])
def test_a_stage_killed_under_dvc_goes_on(repository: tuple[Path, fakes.Fake], how: str) -> None:
    """In a temporary workspace, too, the completions are those of the repository."""
    from tests.test_pipeline import shell

    folder, fake = repository
    command = ["dvc", *how.split(), "generate@text"]
    kill_the_stage(folder, fake, *command)
    (row,) = Store(folder / "data/.work" / NAME).usage()
    kept = row.entries
    assert kept >= 20
    shell(folder, *command)
    # Nothing that was kept was asked for again.
    (row,) = Store(folder / "data/.work" / NAME).usage()
    assert row.entries == len(set(fake.answered))
    assert row.hits >= kept
    assert len(fake.answered) - row.entries <= 128
