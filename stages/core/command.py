"""The edge between a stage and its caller: one clear error, no traceback, nothing calls home."""

from __future__ import annotations

import argparse
import faulthandler
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from stages.core import processor, stopping
from stages.core.stopping import grace as grace  # for stages that must save first

OFFLINE = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_LOGGING_LEVEL": "ERROR",
}
TRACEBACK = "ROUTENATOR_TRACEBACK"
# Names of environment variables whose values are never shown, however short they are.
SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH", re.IGNORECASE)


class InputError(Exception):
    """What the user gave is wrong. Its text says what, where and what to do."""


def run(main: Callable[[], None], doc: str | None = None) -> None:
    """Run a stage's `main`; an InputError becomes one message on stderr and exit code 1.

    doc: given by a stage that takes no arguments; --help prints it, any other is an error.
    Any other exception is one line, too, which names the file with its traceback; set
    ROUTENATOR_TRACEBACK=1 to have the traceback on stderr. A signal ends the stage with the exit
    code 128 + its number (stages/core/stopping.py).
    """
    if doc is not None:
        name = f"python -m stages.{Path(sys.argv[0]).stem}"
        shape = argparse.RawDescriptionHelpFormatter
        argparse.ArgumentParser(name, description=doc, formatter_class=shape).parse_args()
    for name, value in OFFLINE.items():
        os.environ.setdefault(name, value)
    processor.share_cores()
    if sys._getframe(1).f_globals["__name__"] == "__main__" and stopping.is_single_threaded():
        stopping.begin()  # a script of one's own; a stage has begun already
    stopped: list[signal.Signals] = []
    _hear(stopped)
    if (faults := stopping.faults()) is not None:
        faulthandler.enable(faults)
    try:
        main()
    except SystemExit:
        raise
    except BaseException as error:
        if stopped or isinstance(error, KeyboardInterrupt):
            _stop(stopped[0] if stopped else signal.SIGINT)
        if number := stopping.reason():  # libraries make errors of their own of an interrupt
            _stop(signal.Signals(number))
        if os.environ.get(TRACEBACK):
            raise
        if isinstance(error, InputError | OSError):
            print(f"error: {error}", file=sys.stderr)
        else:
            print(f"error: {unexpected(error)}", file=sys.stderr)
        sys.exit(1)


def _hear(stopped: list[signal.Signals]) -> None:
    """Let SIGINT, SIGTERM and SIGHUP interrupt `main`, and note which it was."""

    def interrupt(number: int, _: object) -> None:
        # As Ctrl-C, which asyncio and the engines know how to end at; a shell's background jobs
        # are born deaf to that.
        stopped.append(signal.Signals(number))
        if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, signal.SIG_DFL):
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        signal.signal(signal.SIGHUP, interrupt)


def _stop(number: signal.Signals) -> None:
    """Exit after a signal; the watcher, if there is one, says why."""
    for one in stopping.SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    if not stopping.is_watched():
        stopping.say(f"stopped by {number.name}; finished work is kept")
    sys.exit(128 + number)


def unexpected(error: BaseException) -> str:
    """One line about an error that nobody foresaw, and where its traceback is."""
    import traceback

    try:
        text = "".join(traceback.format_exception(error))
    except (RecursionError, MemoryError):
        text = f"{type(error).__name__}: {error}"
    path = stopping.keep_traceback(hidden(text))
    where = f"its traceback is in {path}; " if path else ""
    said = " ".join(hidden(str(error)).split())
    if isinstance(error, MemoryError):
        said = f"memory ran out; {said}".rstrip("; ")
    if len(said) > 300:
        said = said[:297] + "..."
    kind = type(error).__name__
    return f"{said or 'no reason given'} (unexpected: {kind}; {where}{TRACEBACK}=1 prints it)"


def hidden(text: str) -> str:
    """`text` without the values of environment variables that may be secrets."""
    for name, value in sorted(os.environ.items(), key=lambda pair: -len(pair[1])):
        like_a_key = len(value) >= 12 and not re.search(r"[/\s]", value)
        if like_a_key or (len(value) >= 6 and SECRET.search(name)):
            text = text.replace(value, f"${name}")
    return text
