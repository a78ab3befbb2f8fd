"""How a stage ends: on signals, with its parent, and with errors that nobody foresaw."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stages.core import command
from tests.conftest import ROOT, in_time

# What a stage may be doing when it is told to stop. `ready` is its own process.
WORK = """
import collections, itertools, os, signal, subprocess, sys, time
from pathlib import Path
from stages.core import command, stopping

def ready():
    # In one piece: two processes may share the pipe.
    os.write(1, b"%d\\n" % os.getpid())

def sleeps():
    ready()
    time.sleep(60)

def holds_the_lock():
    ready()
    collections.deque(itertools.repeat(0), maxlen=0)  # never ends, looks at no signal

def duckdb():
    import duckdb
    ready()
    duckdb.sql("SELECT sum(a.range) FROM range(1e7::INT) a, range(1e7::INT) b").fetchall()

def torch():
    import torch
    big = torch.ones(4096, 4096)
    ready()
    while True:
        big @ big

def saves(seconds=2.5):
    command.grace(30)
    try:
        ready()  # inside, for the signal may come at once
        time.sleep(60)
    except KeyboardInterrupt:
        ready()
        time.sleep(seconds)
        Path("saved").touch()
        raise

def saves_long():
    saves(60)

def has_children():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                             start_new_session=True)
    print(child.pid, flush=True)
    collections.deque(itertools.repeat(0), maxlen=0)

def crashes():
    import ctypes
    ctypes.string_at(0)

def is_killed():
    os.kill(os.getpid(), signal.SIGKILL)

def recurses():
    recurses()

def fills_the_memory():
    raise MemoryError

def fails():
    raise TypeError("the key is " + os.environ["MY_API_KEY"] + "\\nand more")

def is_interrupted_into_an_error():
    try:
        ready()
        time.sleep(60)
    except KeyboardInterrupt:
        raise RuntimeError("engine died")

if __name__ == "__main__":
    command.run(globals()[sys.argv[1]])
"""
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what ends with its parent is Linux'")


@pytest.fixture(autouse=True)
def none_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a failing test leaves running would slow all later ones."""
    started: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def noted(*args: Any, **options: Any) -> subprocess.Popen[str]:
        started.append(popen(*args, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    # Under nohup it is ignored, and so would be by every stage.
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, hangup)
    for process in started:
        if process.poll() is None:
            process.terminate()  # which ends what it started, too
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("work") / "work.py"
    path.write_text(WORK)
    return path


def begun(script: Path, work: str, folder: Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(script), work],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def process_of(process: subprocess.Popen[str]) -> int:
    """The number that the stage prints once it works."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def is_running(process: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def ends(process: int, seconds: float = 2.0) -> bool:
    """Whether it ends within these seconds."""
    began = time.monotonic()
    while is_running(process) and time.monotonic() - began < 20:
        time.sleep(0.02)
    return not is_running(process) and in_time(began, seconds)


@pytest.mark.parametrize(
    ("work", "number"),
    [
        ("sleeps", signal.SIGINT),
        ("sleeps", signal.SIGHUP),
        ("holds_the_lock", signal.SIGTERM),
        ("duckdb", signal.SIGINT),
        pytest.param("torch", signal.SIGTERM, marks=pytest.mark.slow),
        ("is_interrupted_into_an_error", signal.SIGTERM),
    ],
)
def test_a_signal_ends_a_stage_whatever_it_does(
    script: Path, tmp_path: Path, work: str, number: signal.Signals
) -> None:
    process = begun(script, work, tmp_path)
    stage = process_of(process)
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=40)
    assert in_time(began, 2)
    assert process.returncode == 128 + number
    assert err == f"stopped by {number.name}; finished work is kept\n" and not out
    assert not is_running(stage)


def test_a_signal_to_the_stage_itself_has_the_same_limit(script: Path, tmp_path: Path) -> None:
    process = begun(script, "holds_the_lock", tmp_path)
    stage = process_of(process)
    began = time.monotonic()
    os.kill(stage, signal.SIGTERM)
    process.wait(40)
    assert in_time(began, 2)
    assert process.returncode == 128 + signal.SIGTERM


def test_a_stage_that_must_save_gets_the_time_that_it_asked_for(
    script: Path, tmp_path: Path
) -> None:
    process = begun(script, "saves", tmp_path)
    process_of(process)
    process.terminate()
    process.communicate(timeout=120)
    assert process.returncode == 143 and (tmp_path / "saved").exists()


def test_a_second_signal_ends_it_at_once(script: Path, tmp_path: Path) -> None:
    process = begun(script, "saves_long", tmp_path)
    process_of(process)
    process.send_signal(signal.SIGINT)
    process_of(process)  # it has heard: a second signal is no other form of the first
    time.sleep(0.5)
    assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=40)
    assert in_time(began, 1)
    assert process.returncode == 130 and err.count("stopped by SIGINT") == 1
    assert not (tmp_path / "saved").exists()


def test_a_signal_to_the_whole_group_counts_once(script: Path, tmp_path: Path) -> None:
    """As a terminal's Ctrl-C, which reaches the watcher and the stage."""
    process = subprocess.Popen(
        [sys.executable, str(script), "saves"], cwd=tmp_path, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    process_of(process)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130 and (tmp_path / "saved").exists()


@LINUX
def test_a_signal_to_the_group_counts_once_where_the_stage_waits_for_a_processor(
    script: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, str(script), "saves"], cwd=tmp_path, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    stage = process_of(process)
    os.kill(stage, signal.SIGSTOP)
    until = time.monotonic() + 120
    while ") T " not in Path(f"/proc/{stage}/stat").read_text():
        assert time.monotonic() < until
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(1.0)
    os.kill(stage, signal.SIGCONT)
    process.communicate(timeout=120)
    assert process.returncode == 130 and (tmp_path / "saved").exists()


@LINUX
def test_children_end_with_a_stage_that_is_killed(script: Path, tmp_path: Path) -> None:
    process = begun(script, "has_children", tmp_path)
    child = process_of(process)
    began = time.monotonic()
    process.terminate()
    process.wait(40)
    assert in_time(began, 3)
    assert ends(child, 0.5)


@LINUX
def test_a_stage_ends_with_its_killed_watcher(script: Path, tmp_path: Path) -> None:
    process = begun(script, "holds_the_lock", tmp_path)
    stage = process_of(process)
    process.kill()
    assert ends(stage)


@LINUX
@pytest.mark.parametrize(
    ("number", "shell"), [(signal.SIGKILL, "exec"), (signal.SIGTERM, "between")]
)
def test_a_stage_ends_with_the_dvc_that_started_it(
    script: Path, tmp_path: Path, number: signal.Signals, shell: str
) -> None:
    """Where the shell becomes the stage, and where it stays between the two."""
    line = f"{sys.executable} {script} holds_the_lock > number"
    line += "; true" if shell == "between" else ""
    (tmp_path / "dvc.yaml").write_text(f"stages: {{one: {{cmd: '{line}', always_changed: true}}}}")
    variables = os.environ | {"PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1"}
    subprocess.run(["dvc", "init", "-q", "--no-scm"], cwd=tmp_path, env=variables, check=True)
    dvc = subprocess.Popen(["dvc", "repro", "-q"], cwd=tmp_path, env=variables)
    until = time.monotonic() + 300
    while not (tmp_path / "number").exists() or not (tmp_path / "number").read_text():
        assert dvc.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    stage = int((tmp_path / "number").read_text())
    dvc.send_signal(number)
    assert ends(stage)
    dvc.wait(60)


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_processes_of_accelerate_end_with_their_launcher(
    script: Path, tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch"]
    file = ROOT / "stages" / "training" / "accelerate" / "data_parallel.yaml"
    launcher = subprocess.Popen(
        [*command, "--config_file", str(file), str(script), "holds_the_lock"],
        cwd=tmp_path, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    stages = [process_of(launcher) for _ in range(2)]
    launcher.send_signal(number)
    assert all(ends(stage, 3) for stage in stages)
    launcher.communicate(timeout=120)


@LINUX
def test_a_stage_that_was_started_by_hand_outlives_its_shell(script: Path, tmp_path: Path) -> None:
    subprocess.run(
        f"nohup {sys.executable} {script} sleeps > number 2> err &",
        shell=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip
    until = time.monotonic() + 120
    number = tmp_path / "number"  # the shell may not have made it yet
    while not (number.exists() and number.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    stage = int(number.read_text())
    time.sleep(0.6)
    assert is_running(stage)
    os.kill(stage, signal.SIGTERM)
    assert ends(stage)


@pytest.mark.parametrize(
    ("work", "code", "said"),
    [
        ("fails", 1, "the key is $MY_API_KEY and more (unexpected: TypeError; "),
        ("recurses", 1, "unexpected: RecursionError; "),
        ("fills_the_memory", 1, "memory ran out (unexpected: MemoryError; "),
        ("crashes", 128 + signal.SIGSEGV, "native code crashed (SIGSEGV); finished work is kept"),
        ("is_killed", 128 + signal.SIGKILL, "most likely because memory ran out"),
    ],
)
def test_an_unforeseen_end_is_one_line(
    script: Path, tmp_path: Path, work: str, code: int, said: str
) -> None:
    process = begun(script, work, tmp_path, MY_API_KEY="s3cr3t")
    _, err = process.communicate(timeout=120)
    assert process.returncode == code
    assert re.fullmatch(r"error: [^\n]+\n", err) and said in err
    if work != "is_killed":  # of that there is none
        assert "data/.work/last_traceback.txt" in err
        kept = (tmp_path / "data/.work/last_traceback.txt").read_text()
        assert work in kept and "s3cr3t" not in kept


def test_the_traceback_is_printed_where_it_is_asked_for(script: Path, tmp_path: Path) -> None:
    process = begun(script, "recurses", tmp_path, ROUTENATOR_TRACEBACK="1")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1 and err.startswith("Traceback")


def test_values_of_the_environment_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITER", "abcdefghijkl")  # whatever its name: it looks like a key
    monkeypatch.setenv("AWS_SECRET", "ab/cd+")
    assert command.hidden("abcdefghijklm ab/cd+") == "$WRITERm $AWS_SECRET"
