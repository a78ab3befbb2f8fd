"""`python -m stages.serve`: what it refuses before it loads anything, and its command line."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from stages import serve
from stages.core.command import InputError
from stages.core.settings import load
from stages.engines import engine, openai_server
from stages.formats import FORMATS
from tests.conftest import ROOT
from tests.test_evaluate import tiny_llama

PYTHONIC = '{%- set format = "pythonic" -%}{%- set spelled = {} -%}rest'


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def test_a_taken_port_is_told() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port} .*make serve PORT={port + 1}"):
            openai_server.check_port(port)
    openai_server.check_port(port)


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        serve.main(["--port", port])
    assert stopped.value.code == 2


def test_missing_models_are_told_in_the_order_of_making(workdir: Path) -> None:
    with pytest.raises(InputError, match="models/base/student is missing: run `dvc repro models`"):
        serve.main([])
    (workdir / "models" / "base").mkdir(parents=True)
    tiny_llama(workdir / "models" / "base" / "student")
    with pytest.raises(InputError, match=r"models/adapter is no folder: run `dvc repro finetune`"):
        serve.main([])


def test_an_adapter_of_another_format_is_refused(workdir: Path) -> None:
    for name in FORMATS:
        if FORMATS[name].plain:
            with pytest.raises(InputError, match="jinja is missing"):
                serve.template_of(FORMATS[name])
        else:
            assert serve.template_of(FORMATS[name]) is None
    serve.ADAPTER.mkdir(parents=True)
    serve.TEMPLATE.write_text(PYTHONIC)
    assert serve.template_of(FORMATS["pythonic"]) == serve.TEMPLATE
    for name in ("hermes", "native"):
        message = rf"trained for tools.format pythonic, params.yaml has {name}: run `dvc repro"
        with pytest.raises(InputError, match=message):
            serve.template_of(FORMATS[name])
    serve.TEMPLATE.write_text("{{ messages }}")  # the student's own
    assert serve.template_of(FORMATS["native"]) is None
    with pytest.raises(InputError, match=r"trained for tools\.format native"):
        serve.template_of(FORMATS["hermes"])


def test_the_reader_of_calls_goes_by_format_and_template() -> None:
    assert serve.parser_of(FORMATS["pythonic"], "<tool_call>") == "pythonic"
    native = FORMATS["native"]
    assert serve.parser_of(native, "... <tool_call>\n{...") == "hermes"
    assert serve.parser_of(native, "[TOOL_CALLS] [") == "mistral"
    assert serve.parser_of(native, '{"name": f, "parameters": x}') == "llama3_json"
    with pytest.raises(InputError, match="--tool-call-parser"):
        serve.parser_of(native, "plain")


def test_arguments_become_flags_that_vllm_knows() -> None:
    assert openai_server.flags({"max_num_seqs": 4, "enforce_eager": True, "use_it": False}) == [
        "--max-num-seqs", "4", "--enforce-eager", "--no-use-it",
    ]  # fmt: skip
    arguments = engine.arguments(load(ROOT / "params.yaml").engine, 7)
    assert arguments["seed"] == 7 and not arguments["trust_remote_code"]
    source_path = Path(str(pytest.importorskip("vllm").__file__)).parent / "engine" / "arg_utils.py"
    source_text = source_path.read_text("utf-8")
    assert all(re.search(rf"\b{name}\b", source_text) for name in arguments)


def test_the_client_in_the_help_has_ten_lines() -> None:
    text = str(serve.__doc__).partition("A client:\n")[2].partition("Not a stage")[0]
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) <= 10
    compile("\n".join(line[4:] for line in lines), "client", "exec")


def test_a_second_interrupt_leaves_no_server_behind(tmp_path: Path) -> None:
    deaf = tmp_path / "deaf.py"  # a server that obeys nothing but a kill
    deaf.write_text(
        "import os, signal, sys, time\n"
        "for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)\n"
        "open(sys.argv[1], 'w').write(str(os.getpid()))\n"
        "while True: time.sleep(1)\n"
    )
    number = tmp_path / "pid"
    command = [sys.executable, str(deaf), str(number)]
    code = (
        "import signal, sys; from stages.engines import openai_server\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try: openai_server.serve(sys.argv[1:], 'http://127.0.0.1:9/v1', '')\n"
        "finally: print('ended')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    waited(lambda: number.is_file() and bool(number.read_text()))
    server = psutil.Process(int(number.read_text()))
    process.send_signal(signal.SIGINT)
    time.sleep(1)  # within the time that the server is given
    assert process.poll() is None and server.is_running()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    waited(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)


def waited(true: Callable[[], bool]) -> None:
    """Wait until something is so; half a minute at most."""
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)
