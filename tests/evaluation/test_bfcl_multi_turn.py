"""BFCL's multi-turn categories: their systems, their verdict, how a model goes through them."""

from __future__ import annotations

import inspect
import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stages.core.conversation import Call
from stages.evaluation import bfcl_multi_turn, bfcl_scores
from stages.evaluation.asking import Answers
from stages.evaluation.bfcl import MULTI_TURN, data
from stages.evaluation.bfcl_multi_turn import ADDED, Played, Task, verdict
from stages.evaluation.bfcl_systems import Systems, written
from stages.evaluation.episodes import play
from stages.formats import FORMATS

FORM = FORMATS["pythonic"]


@cache
def tasks() -> list[Task]:
    return bfcl_multi_turn.read(MULTI_TURN)[0]


def _right(task: Task) -> list[list[list[Call]]]:
    """The calls of the ground truth by turn, in one message each."""
    methods = task.systems().methods
    made = []
    for turn in task.truth:
        calls = []
        for name, values, named in map(written, turn):
            order = list(inspect.signature(methods[name]).parameters)
            calls.append(Call(name, {**dict(zip(order, values, strict=False)), **named}))
        made.append([calls] if calls else [])
    return made


def test_the_ground_truth_is_right_in_every_row() -> None:
    assert len(tasks()) == 800
    wrong = [one.row_id for one in tasks() if verdict(one, _right(one), None).error]
    assert wrong == []


def test_a_wrong_turn_is_told() -> None:
    task = next(one for one in tasks() if one.category == "multi_turn_base")
    made = _right(task)
    assert verdict(task, [[], *made[1:]], None).error == "no_call"
    first = made[0][0]
    assert verdict(task, [[first[:-1]], *made[1:]], None).error == "instance_state_mismatch"
    # Listing what is there changes nothing and is no harm; leaving out a search is.
    assert verdict(task, [[[*first, Call("ls", {})]], *made[1:]], None).error is None
    blind = [made[0], [made[1][0][:1]], *made[2:]]
    assert verdict(task, blind, None).error == "execution_response_mismatch"
    assert verdict(task, blind, None).turns == (len(task.truth), 1)
    assert verdict(task, made, "exceeds_context").error == "exceeds_context"


def test_a_turn_without_calls_is_ours_to_score() -> None:
    task = next(one for one in tasks() if one.category == "multi_turn_miss_func")
    made = _right(task)
    silent = task.truth.index([])
    assert verdict(task, made, None).idle == (1, 1)
    made[silent] = [[Call("ls", {})]]
    assert verdict(task, made, None) == bfcl_multi_turn.Verdict(
        None, (len(task.truth) - 1, len(task.truth) - 1), (1, 0)
    )


def test_a_model_goes_turn_by_turn_and_functions_are_added() -> None:
    task = next(one for one in tasks() if one.category == "multi_turn_miss_func")
    played = Played(task, FORM)
    right, shown = _right(task), list[set[str]]()

    def ask(conversations: Any, grammars: Any = None) -> Answers:
        shown.append({*played.catalogue.names})
        steps = right[played.turn]
        done = len(played.made[played.turn])
        text = FORM.render(steps[done]) if done < len(steps) else "Done."
        return Answers([text], 0.0)

    play([played], ask, lambda said: [1], 10)  # type: ignore[arg-type, misc]
    (turn, added), *_ = task.added.items()
    name = added[0]["name"]
    assert name not in shown[0] and name in shown[-1]
    users = [one["content"] for one in played.messages if one["role"] == "user"]
    assert users[turn] == ADDED and len(users) == len(task.turns)
    judged = bfcl_multi_turn.judged(played)
    assert judged.is_right and judged.has_calls
    value = bfcl_scores.result({"model": [judged]}, 20, 0)
    assert value["model"]["multi_turn_miss_func"] == 1.0
    assert bfcl_multi_turn.figures([played])["multi_turn_miss_func"]["refraining"] == 1.0


def test_a_model_that_does_not_stop_is_stopped() -> None:
    task = next(one for one in tasks() if "GorillaFileSystem" in one.classes)
    played = Played(task, FORM)
    text = FORM.render([Call("ls", {})])
    play([played], lambda said: Answers([text] * len(said), 0.0),  # type: ignore[arg-type, misc]
         lambda said: [1] * len(said), 10)  # fmt: skip
    assert bfcl_multi_turn.judged(played).error == "force_terminated"
    assert len(played.made) == 1


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("power", {"base": 10, "exponent": 10**11}, "too large"),
        ("power", {"base": 1e-300, "exponent": 1e11}, "too large"),
        ("logarithm", {"value": 2.0, "base": 10.0, "precision": 10**8}, "too large"),
        ("mean", {"numbers": [1.0] * 100_000}, "too long"),
        ("add", {"a": "x" * 10**6, "b": 1}, "too long"),
        ("multiply", {"a": 10**400, "b": 1}, "too large"),
        ("__init__", {}, "not defined"),
        ("_load_scenario", {"scenario": {}}, "not defined"),
        ("__class__", {}, "not defined"),
        ("eval", {"x": "1"}, "not defined"),
        ("add", {"a": 1, "c": 2}, "argument"),
        ("add", {}, "argument"),
    ],
)
def test_what_a_model_may_not_do(name: str, arguments: dict[str, Any], why: str) -> None:
    start = time.monotonic()
    given = Systems(["MathAPI", "TwitterAPI"], {}).call(name, arguments)
    assert given.startswith("Error during execution") and why in given, given
    assert time.monotonic() - start < 2


def test_the_ground_truth_is_read_without_being_evaluated() -> None:
    assert written("sort('a.txt', n=[1, -2])") == ("sort", ["a.txt"], {"n": [1, -2]})
    for text in ("__import__('os').system('x')", "f(g())", "1 + 1", "f(x"):
        with pytest.raises((ValueError, SyntaxError)):
            written(text)


def test_nothing_is_written_into_the_package() -> None:
    before = {(str(p), p.stat().st_mtime) for p in _files()}
    for task in tasks()[:5]:
        verdict(task, _right(task), None)
    assert {(str(p), p.stat().st_mtime) for p in _files()} == before


def _files() -> list[Path]:
    return [
        Path(root, name)
        for root, _, names in os.walk(data().parent)
        for name in names
        if not name.endswith(".pyc")
    ]
