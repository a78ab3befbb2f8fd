"""A stage ends within 2 s when it is told to, also in native code, and leaves no process behind.

Python hears a signal between two bytecodes only: a query of DuckDB, a step of torch or a regular
expression is deaf until it ends. So the stage works in a child process, and this one watches it:

- The first SIGINT, SIGTERM or SIGHUP becomes a KeyboardInterrupt in the child. What has not ended
  `LIMIT` seconds later (or as many as the stage asked for with `grace`) is killed; a second signal
  kills at once. Either way the exit code is 128 + the signal's number.
- A stage that DVC (or `accelerate launch`) started ends with it, however that ended. One that was
  started by hand goes on without its shell unless that sends SIGHUP: `nohup` and `setsid` work.
- Killed itself, the watcher takes the stage along; processes that a stopped or failed stage leaves
  behind are killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import re
import select
import signal
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds from the first signal to the kill, between two looks at the processes that a stage ends
# with, in which a terminal's signal reaches all of its processes, and for what a stage leaves.
LIMIT, EVERY, TOGETHER, LEAVE = 1.4, 0.25, 0.1, 0.3
# Seconds in which a stage on a busy machine reports that a terminal's signal reached it, too.
HEARD = 0.5
SHELLS = ("sh", "bash", "dash", "zsh", "fish", "ksh")
# What DVC, torch's launcher and accelerate's own put into the environment of what they start.
STARTERS = {"DVC_STAGE", "RANK", "ACCELERATE_MIXED_PRECISION"}
# Of Linux' prctl.
PDEATHSIG, SUBREAPER = 1, 36


@dataclass
class _Shared:
    """What the watcher and the stage have in common; made before they part."""

    # Two numbers: the seconds of `grace`, and the signal that was the first.
    numbers: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, 16))
    pipe: tuple[int, int] = field(default_factory=os.pipe)
    # Where the stack goes when native code crashes.
    faults: int | None = field(
        default_factory=lambda: os.memfd_create("faults") if hasattr(os, "memfd_create") else None
    )


_shared: _Shared | None = None


def grace(seconds: float = 0.0) -> None:
    """From now on a stop may take up to `seconds`, counted from the first signal, before the stage
    is killed: for one that must save first. Without an argument it is `LIMIT` again.
    """
    if _shared:
        struct.pack_into("d", _shared.numbers, 0, seconds)


def is_watched() -> bool:
    """Whether another process ends this one when it does not end by itself, and says so."""
    return _shared is not None


def reason() -> int | None:
    """The signal that the watcher was first to hear of; None if there was none. For an error that
    may come of one: DuckDB, for example, makes an error of its own of it.
    """
    until = time.monotonic() + TOGETHER
    while _shared and time.monotonic() < until:
        if number := int(struct.unpack_from("d", _shared.numbers, 8)[0]):
            return number
        time.sleep(0.005)
    return None


def faults() -> int | None:
    """The file for the stack of native code that crashes, if there is one."""
    return _shared.faults if _shared else None


def begin() -> None:
    """Part into a watcher, which never returns, and the stage. Call it before any thread starts."""
    global _shared
    if _shared or sys.platform == "win32":
        return
    ancestors = _followed()
    shared, watcher = _Shared(), os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    # Until each has its handlers, signals wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    stage = os.fork()
    if stage:
        code = 1
        try:
            code = _Watcher(stage, shared, ancestors).watch()
        finally:
            os._exit(code)
    _shared = shared
    _prctl(PDEATHSIG, signal.SIGKILL)
    if os.getppid() != watcher:
        os._exit(1)
    os.close(shared.pipe[0])
    os.set_blocking(shared.pipe[1], False)
    signal.set_wakeup_fd(shared.pipe[1], warn_on_full_buffer=False)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # While modules are imported; `command.run` sets its own.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def is_single_threaded() -> bool:
    """Whether this process may be forked: a thread would be missing in the child."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def end_with_parent() -> None:
    """The system kills this process when the thread that started it ends; on Linux only."""
    _prctl(PDEATHSIG, signal.SIGKILL)


class _Watcher:
    """Waits for the process `stage`, and for reasons to end it."""

    def __init__(self, stage: int, shared: _Shared, ancestors: list[tuple[int, int]]) -> None:
        self.stage, self.shared, self.ancestors = stage, shared, ancestors
        self.stop: int | None = None  # the first signal, and when it came
        self.since = 0.0
        self.status: int | None = None

    def watch(self) -> int:
        """Watch until the stage has ended; returns the exit code."""
        _prctl(SUBREAPER, 1)
        heard, hears = os.pipe()
        os.set_blocking(hears, False)
        os.set_blocking(heard, False)
        signal.set_wakeup_fd(hears, warn_on_full_buffer=False)
        for number in (*SIGNALS, signal.SIGCHLD):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda *_: None)
        pipe = self.shared.pipe[0]
        os.close(self.shared.pipe[1])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        waits = [heard, pipe]
        while not self.ended():
            ready = select.select(waits, [], [], self.pause())[0]
            if pipe in ready:  # what reached the stage itself; nothing once it became a program
                numbers = os.read(pipe, 64)
                if not numbers:
                    waits.remove(pipe)
                self.stopped(numbers)
            if heard in ready:
                self.pass_on(os.read(heard, 64), pipe if pipe in waits else None)
            if self.stop is None and any(_parent(one) != of for one, of in self.ancestors):
                self.pass_on(bytes([signal.SIGTERM]), None)
            if self.stop and time.monotonic() - self.since >= self.limit():
                os.kill(self.stage, signal.SIGKILL)
                self.status = os.waitpid(self.stage, 0)[1]
        return self.result()

    def ended(self) -> bool:
        if self.status is None:
            one, status = os.waitpid(self.stage, os.WNOHANG)
            self.status = status if one else None
        return self.status is not None

    def limit(self) -> float:
        return max(LIMIT, struct.unpack_from("d", self.shared.numbers)[0])

    def pause(self) -> float | None:
        """Seconds to the next look."""
        if self.stop:
            return max(0.0, min(EVERY, self.since + self.limit() - time.monotonic()))
        return EVERY if self.ancestors else None

    def stopped(self, numbers: bytes) -> bool:
        """Note the first signal; whether one is among `numbers`."""
        for number in numbers:
            if number in SIGNALS:
                if self.stop is None:
                    self.stop, self.since = number, time.monotonic()
                    struct.pack_into("d", self.shared.numbers, 8, number)
                return True
        return False

    def pass_on(self, numbers: bytes, pipe: int | None) -> None:
        """Give the stage the signal that came here, unless it got it from the terminal as well."""
        first = self.stop is None
        if not self.stopped(numbers):
            return
        if first:
            until = time.monotonic() + HEARD
            while pipe and (left := until - time.monotonic()) > 0:
                if select.select([pipe], [], [], left)[0] and self.stopped(os.read(pipe, 64)):
                    return
            number = self.stop or signal.SIGTERM
            if pipe and _is_pending(self.stage, number):
                return  # it has it, and only waits for a processor
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.stage, number)
        elif time.monotonic() - self.since > 3 * TOGETHER:
            self.since = float("-inf")  # a second one: at once

    def result(self) -> int:
        """End what the stage left behind, say why it ended, and with which code to exit."""
        assert self.status is not None
        code = os.waitstatus_to_exitcode(self.status)
        if code:
            until = time.monotonic() + LEAVE
            while (left := _descendants(os.getpid())) and time.monotonic() < until:
                time.sleep(0.02)
            for one in left:
                with contextlib.suppress(OSError):
                    os.kill(one, signal.SIGKILL)
        if code and self.stop:
            say(f"stopped by {signal.Signals(self.stop).name}; finished work is kept")
            return 128 + self.stop
        if code >= 0:
            return code
        name = signal.Signals(-code).name
        if -code in SIGNALS:
            say(f"stopped by {name}; finished work is kept")
        elif -code == signal.SIGKILL:
            say(
                "error: the stage was killed (SIGKILL), most likely because memory ran out; "
                "finished work is kept: give it more memory or smaller batches, and run it again"
            )
        else:
            say(f"error: native code crashed ({name}); finished work is kept{self.where()}")
        return 128 - code

    def where(self) -> str:
        """Where the stack of the crash is, as the end of a sentence."""
        if self.shared.faults is None:
            return ""
        os.lseek(self.shared.faults, 0, os.SEEK_SET)
        stack = os.read(self.shared.faults, 2**20).decode("utf-8", "replace")
        path = keep_traceback(stack) if stack else None
        return f". The traceback is in {path}" if path else ""


def say(text: str) -> None:
    """One message on stderr, in the first process of several; none where nobody reads it."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def keep_traceback(text: str) -> Path | None:
    """Write a traceback to data/.work, and say where; None where that cannot be written."""
    path = Path(os.environ.get("DVC_ROOT", ".")) / "data" / ".work" / "last_traceback.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", "replace")
    except OSError:
        return None
    return path


def _prctl(option: int, value: int) -> None:
    """Linux' prctl; elsewhere nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _followed() -> list[tuple[int, int]]:
    """(process, its parent) of those that must stay as they are: up to DVC or the launcher that
    started this stage, through the shell between them. None for a stage that was started by hand.
    """
    if not STARTERS & os.environ.keys():
        return []
    one, parent = os.getpid(), os.getppid()
    if parent == 1 and b"dvc" not in _command(1):
        os._exit(128 + signal.SIGTERM)  # it has ended already
    links = [(one, parent)]
    while _is_shell(parent) and (above := _parent(parent)):
        links.append((parent, above))
        parent = above
    return links


def _is_shell(process: int) -> bool:
    words = _command(process).split(b"\0")
    return os.path.basename(words[0]).decode("utf-8", "replace") in SHELLS and b"-c" in words


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def _parent(process: int) -> int | None:
    """The number of its parent; None where there is no such process or no way to know."""
    if process == os.getpid():
        return os.getppid()
    try:
        stat = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[1])  # a name may hold brackets and blanks


def _is_pending(process: int, number: int) -> bool:
    """Whether a signal was sent to a process that has not run since; False where nothing tells."""
    try:
        status = Path(f"/proc/{process}/status").read_text("utf-8", "replace")
    except OSError:
        return False
    sets = re.findall(r"^S(?:ig|hd)Pnd:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return any(int(one, 16) >> (number - 1) & 1 for one in sets)


def _descendants(process: int) -> list[int]:
    """The running processes below `process`; those that have ended but were not asked for are
    asked for.
    """
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    numbers = [int(p.name) for p in Path("/proc").glob("[0-9]*")]
    parents = {one: _parent(one) for one in numbers}
    processes, added = {process}, {process}
    while added:
        added = {one for one, of in parents.items() if of in added} - processes
        processes |= added
    return sorted(processes - {process})
