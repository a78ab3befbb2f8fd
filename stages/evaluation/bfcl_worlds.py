"""Where the calls of BFCL's conversations are done: objects of the package's own classes, in a
process of their own with bounds of time and memory.

Unlike BFCL's executor, which evaluates what the model wrote, this one looks a parsed call's name up
among the functions of the row and passes keyword arguments. A call that was stopped at a bound has
an error as its result and leaves no trace.
"""

from __future__ import annotations

import copy
import importlib
import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from stages.core import stopping
from stages.core.bounds import bounded
from stages.core.conversation import Call
from stages.evaluation.bfcl import CLASSES, LONG_CONTEXT, GoldCall, Row

CODE = "bfcl_eval.eval_checker.multi_turn_eval"
# These have no state to begin with.
STATELESS = ("MathAPI",)
# Bounds of a call; what native code makes of them; of the start of the process.
SECONDS, MIB, MOST_RESULT = 2.0, 256, 1_000_000
PATIENCE, START = 10.0, 120.0
ERROR = "Error during execution: "
STOPPED = f"{ERROR}the call takes too much time or memory"
# A call, and what it gave back.
Past = list[tuple[Call, str]]


class Start(NamedTuple):
    """How a row's objects begin."""

    row_id: str
    classes: tuple[str, ...]
    initial: dict[str, Any]
    has_long_context: bool
    names: tuple[str, ...]


class Verdict(NamedTuple):
    """What BFCL says of a conversation: its code of the first error, None if there is none, and its
    words; how many of the turns that want calls were right before that.
    """

    error: str | None
    reason: str
    right: int


def start_of(row: Row) -> Start:
    """How the objects of a row begin."""
    assert row.scenario is not None
    is_long = row.category == LONG_CONTEXT
    scenario = row.scenario
    return Start(row.row_id, scenario.classes, scenario.initial, is_long, row.catalogue.names)


# --- in the process of its own


class Instances:
    """The objects of a row: `by_class`, and the methods that may be called, by name."""

    def __init__(self, start: Start) -> None:
        self.by_class: dict[str, Any] = {}
        self.methods: dict[str, Callable[..., Any]] = {}
        for name in start.classes:
            module = importlib.import_module(f"{CODE}.func_source_code.{CLASSES[name]}")
            made = getattr(module, name)()
            if name not in STATELESS:
                initial = copy.deepcopy(start.initial.get(name, {}))
                made._load_scenario(initial, long_context=start.has_long_context)
                # Some of it belongs to the module, and would be another row's, too.
                made = copy.deepcopy(made)
            self.by_class[name] = made
            self.methods |= {n: getattr(made, n) for n in start.names if hasattr(type(made), n)}

    def call(self, call: GoldCall) -> str:
        """The result of a call, as BFCL writes it; STOPPED where it went beyond a bound."""
        method = self.methods.get(call.name)
        if method is None:
            return f"{ERROR}name {call.name!r:.80} is not defined"
        began = time.monotonic()
        try:
            with bounded(SECONDS, MIB):
                # A method may keep a list and change it later.
                positional, arguments = copy.deepcopy((call.positional, call.arguments))
                result = _text(method(*positional, **arguments))
        except (TimeoutError, MemoryError):
            return STOPPED
        except Exception as error:  # whatever a value makes of the method
            result = f"{ERROR}{error}"
        # Some methods catch what stops them.
        is_late = time.monotonic() - began >= SECONDS
        return STOPPED if is_late or len(result) > MOST_RESULT else result


def _text(result: Any) -> str:
    if isinstance(result, dict):
        try:
            return json.dumps(result)
        except (TypeError, ValueError, RecursionError):  # holds an object
            return str(result)
    return str(result)


def replayed(start: Start, past: Past) -> Instances:
    """The objects after these calls."""
    made = Instances(start)
    for call, result in past:
        if result != STOPPED:
            made.call(GoldCall(call.name, [], call.arguments))
    return made


class _Latest:
    """The objects of the rows that were called last, each with its past."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[Past, Instances]] = {}

    def call(self, start: Start, past: Past, call: Call) -> str:
        before, instances = self.held.pop(start.row_id, ([], None))
        if instances is None or before != past:
            instances = replayed(start, past)
        result = instances.call(GoldCall(call.name, [], call.arguments))
        if result != STOPPED:  # else nobody knows what it did before that
            self.held[start.row_id] = ([*past, (call, result)], instances)
        return result


@lru_cache(1)
def _latest() -> _Latest:
    return _Latest()


def done(start: Start, past: Past, call: Call) -> str:
    """The result of a call after others."""
    return _latest().call(start, past, call)


def verdict(start: Start, turns: Sequence[Sequence[Past]], gold: list[list[GoldCall]]) -> Verdict:
    """BFCL's verdict of the calls of each turn, step by step: after each turn that wants calls, the
    public state of all objects is that which the right calls leave, and the right calls' results
    are among those that the model has had so far. As BFCL's `multi_turn_checker`, with its own
    comparisons. turns: those that came to their end.
    """
    from bfcl_eval.eval_checker.multi_turn_eval.multi_turn_checker import (
        response_checker,
        state_checker,
    )

    _latest().held.pop(start.row_id, None)
    ours, theirs = Instances(start), Instances(start)
    results: list[str] = []
    right = 0
    for number, (steps, wanted) in enumerate(zip(turns, gold, strict=False)):
        for call, result in (made for step in steps for made in step):
            if result != STOPPED:
                result = ours.call(GoldCall(call.name, [], call.arguments))
            results.append(result)
        expected = list(map(theirs.call, wanted))
        if not wanted:
            continue
        if not any(steps):
            return Verdict("multi_turn:empty_turn_model_response", f"turn {number}", right)
        try:
            with bounded(SECONDS, MIB):
                found = state_checker(ours.by_class, theirs.by_class)
                if found["valid"]:
                    found = response_checker(results, expected, number)
                reason = "" if found["valid"] else f"turn {number}: {_differing(found)}"
        except Exception as error:  # such as of a folder that a model put into itself
            return Verdict("checker_failed", f"turn {number}: {type(error).__name__}", right)
        if not found["valid"]:
            return Verdict(found["error_type"], reason, right)
        right += 1
    return Verdict(None, "", right)


def _differing(found: dict[str, Any]) -> str:
    """BFCL's words, and in which attributes or results the two differ."""
    details = found["details"]
    differing = details.get("missing_items") or list(details["differences"])
    return f"{found['error_message']} {differing!s:.200}"


def _serve(pipe: Connection) -> None:
    """Answer requests until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping.end_with_parent()
    sys.dont_write_bytecode = True
    # Some results have a time of day: the same everywhere.
    os.environ["TZ"] = "UTC"
    time.tzset()
    pipe.send(None)
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(function(*arguments))


# --- here


class Worlds:
    """The process in which calls are done; killed and started again where native code does not
    come to an end.
    """

    def __init__(self) -> None:
        self._process: Any = None
        self._pipe: Connection | None = None

    def ask(self, function: Callable[..., Any], *arguments: Any, calls: int = 1) -> Any:
        """`function` of this module over there; TimeoutError where it does not end, `calls` being
        those that it may have to do.
        """
        if self._pipe is None:
            self._start()
        assert self._pipe is not None
        try:
            self._pipe.send((function, arguments))
            if self._pipe.poll(PATIENCE + SECONDS * calls):
                return self._pipe.recv()
        except (EOFError, OSError):  # it was killed, for memory
            pass
        self.close()
        raise TimeoutError

    def _start(self) -> None:
        # Forked, it could inherit a lock that one of the engine's threads holds.
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        self._process.start()
        other.close()
        if not self._pipe.poll(START):
            self.close()
            raise TimeoutError(f"the process for BFCL's calls did not start within {START:g} s")
        self._pipe.recv()

    def close(self) -> None:
        """End the process."""
        if self._pipe is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._pipe = None


@contextmanager
def worlds() -> Iterator[Worlds]:
    """A process for calls, started with the first of them."""
    made = Worlds()
    try:
        yield made
    finally:
        made.close()


@dataclass
class World:
    """The environment of a row's conversation."""

    worlds: Worlds
    start: Start
    past: Past = field(default_factory=list)

    def call(self, call: Call) -> str:
        """Do a call; see `Instances.call`."""
        try:
            result = self.worlds.ask(done, self.start, self.past, call, calls=len(self.past) + 1)
        except TimeoutError:
            result = STOPPED
        self.past.append((call, str(result)))
        return str(result)

    def verdict(self, turns: Sequence[Sequence[Past]], gold: list[list[GoldCall]]) -> Verdict:
        """See `verdict`."""
        calls = len(self.past) + sum(map(len, gold))
        try:
            found = self.worlds.ask(verdict, self.start, turns, gold, calls=calls)
        except TimeoutError:
            return Verdict("checker_failed", STOPPED, 0)
        assert isinstance(found, Verdict)
        return found
