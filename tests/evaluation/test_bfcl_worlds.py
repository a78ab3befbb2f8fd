"""Where the calls of BFCL's conversations are done, and its verdict."""

from __future__ import annotations

import inspect
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.core.conversation import Call
from stages.evaluation import bfcl, bfcl_worlds
from stages.evaluation.bfcl import MULTI_TURN, GoldCall, Row
from stages.evaluation.bfcl_worlds import (
    ERROR,
    STOPPED,
    Instances,
    Past,
    World,
    Worlds,
    start_of,
    verdict,
)
from stages.formats.pythonic import render
from tests.conftest import ROOT

Turns = list[list[Past]]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """All conversations."""
    return bfcl.read(MULTI_TURN).rows


@pytest.fixture
def worlds() -> Iterator[Worlds]:
    with bfcl_worlds.worlds() as made:
        yield made


def gold_calls(row: Row) -> list[list[Call]]:
    """The right calls of each turn, with names for all arguments."""
    assert row.scenario is not None
    methods = Instances(start_of(row)).methods

    def named(call: GoldCall) -> Call:
        bound = inspect.signature(methods[call.name]).bind(*call.positional, **call.arguments)
        return Call(call.name, dict(bound.arguments))

    return [list(map(named, turn)) for turn in row.scenario.gold]


def steps(turns: list[list[Call]]) -> Turns:
    """Each call as a step of its own."""
    return [[[(call, "")] for call in turn] for turn in turns]


def judged(row: Row, turns: Turns) -> bfcl_worlds.Verdict:
    assert row.scenario is not None
    return verdict(start_of(row), turns, row.scenario.gold)


def by_id(rows: list[Row], name: str) -> Row:
    return next(row for row in rows if row.row_id == name)


# --- the data


def test_all_conversations_are_read(rows: list[Row]) -> None:
    assert Counter(row.category for row in rows) == dict.fromkeys(MULTI_TURN, 200)
    for row in rows:
        assert row.scenario is not None and row.wants_call
        assert len(row.scenario.turns) == len(row.scenario.gold) == len(row.expected)
        assert all(said for said in row.scenario.turns)
        assert bool(row.scenario.held_back) == (row.category == "multi_turn_miss_func")
        assert len(row.catalogue) == len(row.functions)
        for at in range(len(row.scenario.turns)):
            hidden = {n for turn, names in row.scenario.held_back.items() if turn > at
                      for n in names}  # fmt: skip
            assert set(row.shown(at)) == set(row.catalogue) - hidden


def test_what_was_held_back_is_shown_last_with_bfcls_words(rows: list[Row]) -> None:
    from bfcl_eval.constants import default_prompts

    from stages.evaluation import episodes

    row = by_id(rows, "multi_turn_miss_func_0")
    assert row.scenario is not None and row.scenario.held_back == {3: ("sort",)}
    assert "sort" not in row.shown(2) and row.shown(3).names[-1] == "sort"
    said = default_prompts.DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC
    assert row.scenario.turns[3] == [{"role": "user", "content": said}]
    assert default_prompts.MAXIMUM_STEP_LIMIT == episodes.MOST_STEPS


def test_classes_are_bfcls(rows: list[Row]) -> None:
    from bfcl_eval.constants import executable_backend_config as theirs

    assert {name for row in rows for name in start_of(row).classes} <= set(bfcl.CLASSES)
    for name, stem in bfcl.CLASSES.items():
        assert theirs.MULTI_TURN_FUNC_DOC_FILE_MAPPING[name] == f"{stem}.json"
        assert theirs.CLASS_FILE_PATH_MAPPING[name].endswith(f".{stem}")
    assert set(theirs.STATELESS_CLASSES) == set(bfcl_worlds.STATELESS)


def test_a_gold_call_holds_literals() -> None:
    assert bfcl.gold_call("f('a', n=[1, {'x': None}])") == GoldCall(
        "f", ["a"], {"n": [1, {"x": None}]}
    )
    for text in ("f(g())", "f.g()", "f", "f(n=__import__('os'))", "f(", "f(n=1+open('x'))"):
        with pytest.raises((ValueError, SyntaxError)):
            bfcl.gold_call(text)


# --- the verdict


def test_the_right_calls_are_right(rows: list[Row]) -> None:
    wrong = {}
    for row in rows:
        assert row.scenario is not None
        found = judged(row, steps(gold_calls(row)))
        if found != (None, "", sum(map(bool, row.scenario.gold))):
            wrong[row.row_id] = found
    assert not wrong and len(rows) == 800


def test_without_the_calls_of_a_turn_it_is_wrong(rows: list[Row]) -> None:
    for row in rows[::3]:
        turns = gold_calls(row)
        last = max(at for at, turn in enumerate(turns) if turn)
        turns[last] = []
        found = judged(row, steps(turns))
        assert found.error == "multi_turn:empty_turn_model_response"
        assert found.right == sum(map(bool, turns))


def tampered(turns: list[list[Call]], seed: int) -> list[list[Call]]:
    """The calls with one left out, twice, with another value, elsewhere or wrong."""
    choices = random.Random(seed)
    made = [list(turn) for turn in turns]
    at = choices.choice([n for n, turn in enumerate(made) if turn])
    which = choices.randrange(len(made[at]))
    call = made[at][which]
    match choices.randrange(7):
        case 0:
            del made[at][which]
        case 1:
            made[at].insert(which, call)
        case 2:
            made[at].reverse()
        case 3:
            made[at][which] = Call("no_such_function", {})
        case 4:
            made[at].insert(which, Call(call.name, {**call.arguments, "unknown": 1}))
        case 5 if at + 1 < len(made):
            made[at + 1].append(made[at].pop(which))
        case _:
            changed = {
                name: value + 1 if isinstance(value, int | float) else f"{value}x"
                for name, value in call.arguments.items()
            }
            made[at][which] = Call(call.name, changed)
    return made


def test_the_verdict_is_bfcls(rows: list[Row]) -> None:
    """Against BFCL's own checker, whose executor evaluates the calls; here they are the gold's,
    changed by us.
    """
    from bfcl_eval.eval_checker.multi_turn_eval.multi_turn_checker import multi_turn_checker

    found = Counter[str | None]()
    for number, row in enumerate(rows):
        turns = tampered(gold_calls(row), number)
        assert row.scenario is not None
        entry = {"id": row.row_id, "involved_classes": row.scenario.classes,
                 "initial_config": row.scenario.initial}  # fmt: skip
        decoded = [[[render([call])[1:-1]] for call in turn] for turn in turns]
        theirs = multi_turn_checker(decoded, row.expected, entry, row.category, f"m{number}")
        ours = judged(row, steps(turns))
        assert ours.error == theirs.get("error_type"), row.row_id
        found[ours.error] += 1
    assert len(found) == 4 and 100 < found[None] < 400


def test_results_are_bfcls(rows: list[Row]) -> None:
    from bfcl_eval.eval_checker.multi_turn_eval.multi_turn_utils import (
        execute_multi_turn_func_call,
    )

    wrong = [Call("no_such", {}), Call("cd", {"folder": 5}), Call("mean", {"numbers": ["a"]}),
             Call("cat", {"name": "x"})]  # fmt: skip
    for row in rows[::8]:
        assert row.scenario is not None
        instances = Instances(start_of(row))
        for call in [call for turn in gold_calls(row) for call in turn] + wrong:
            (theirs,), _ = execute_multi_turn_func_call(
                [render([call])[1:-1]], row.scenario.initial, list(row.scenario.classes), "results",
                row.row_id, row.category == bfcl.LONG_CONTEXT,
            )  # fmt: skip
            ours = instances.call(GoldCall(call.name, [], call.arguments))
            known = call.name in instances.methods
            assert ours.replace("'", "") == theirs.replace("'", ""), (row.row_id, call)
            assert known or ours.startswith(ERROR)


def test_rows_do_not_share_state(rows: list[Row]) -> None:
    """Some of the package's initial state belongs to its modules."""
    row = by_id(rows, "multi_turn_long_context_150")
    first, second = Instances(start_of(row)), Instances(start_of(row))
    for name, one in vars(first.by_class["TravelAPI"]).items():
        other = vars(second.by_class["TravelAPI"])[name]
        assert not isinstance(one, dict) or one is not other
    cards = [one.by_class["TravelAPI"].credit_card_list for one in (first, second)]
    next(iter(cards[0].values()))["balance"] = -5
    assert cards[0] != cards[1]


# --- the process


def test_calls_in_a_process(rows: list[Row], worlds: Worlds) -> None:
    row = by_id(rows, "multi_turn_base_0")
    assert row.scenario is not None
    world, other = (World(worlds, start_of(row)) for _ in range(2))
    told = [[(call, world.call(call)) for call in turn] for turn in gold_calls(row)]
    assert (
        world.call(Call("pwd", {})) == '{"current_working_directory": "/workspace/document/temp"}'
    )
    # The same row once more, as the other model has it.
    assert other.call(Call("pwd", {})) == '{"current_working_directory": "/workspace"}'
    assert world.call(Call("ls", {})).count("pdf") == 2
    assert world.verdict([[turn] for turn in told], row.scenario.gold) == (None, "", 4)
    assert world.verdict([[told[0]], [], []], row.scenario.gold).right == 1


def test_only_functions_of_the_row_are_called(rows: list[Row], worlds: Worlds) -> None:
    row = by_id(rows, "multi_turn_base_0")
    world = World(worlds, start_of(row))
    for name in ("__init__", "_load_scenario", "_write", "eval", "exit", "root", "pwd.__call__",
                 "fillFuelTank", "__class__", "", "long_context"):  # fmt: skip
        assert world.call(Call(name, {})).startswith(f"{ERROR}name "), name
    for arguments in ({"self": 1}, {"folder": {"a": 1}}, {"folder": None}, {"folder": "x", "y": 1}):
        assert world.call(Call("cd", arguments)).startswith(ERROR), arguments
    assert world.call(Call("pwd", {})) == '{"current_working_directory": "/workspace"}'


HOSTILE = [
    Call("power", {"base": 10, "exponent": 10**9}),
    Call("power", {"base": 10**300, "exponent": 10**5}),
    Call("logarithm", {"value": 2.5, "base": 3, "precision": 10**6}),
    Call("square_root", {"number": 2, "precision": 10**9}),
    Call("sum_values", {"numbers": "x" * 100_000}),
    Call("add", {"a": "x" * 1_000_000, "b": "x"}),
]


def test_what_takes_too_much_is_stopped(
    rows: list[Row], worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = next(row for row in rows if "MathAPI" in start_of(row).classes)
    world = World(worlds, start_of(row))
    three = Call("add", {"a": 1, "b": 2})
    began = time.monotonic()
    for call in HOSTILE:
        assert world.call(call).startswith((ERROR, '{"error"')), call.name
        assert world.call(three) == '{"result": 3}'
    assert time.monotonic() - began < 60
    # Native code that does not hear the alarm.
    monkeypatch.setattr(bfcl_worlds, "PATIENCE", -bfcl_worlds.SECONDS * len(world.past))
    assert world.call(Call("power", {"base": 3, "exponent": 10**8})) == STOPPED
    monkeypatch.undo()
    assert world.call(three) == '{"result": 3}', "another process goes on"


def test_a_stopped_call_leaves_no_trace(rows: list[Row], worlds: Worlds) -> None:
    row = by_id(rows, "multi_turn_base_0")
    assert row.scenario is not None
    world = World(worlds, start_of(row), [(Call("cd", {"folder": "document"}), STOPPED)])
    assert world.call(Call("pwd", {})) == '{"current_working_directory": "/workspace"}'
    turns = [[[(call, "")] for call in turn] for turn in gold_calls(row)]
    turns[0][0] = [(turns[0][0][0][0], STOPPED)]
    assert judged(row, turns).error


def test_a_folder_in_itself_breaks_nothing(rows: list[Row], worlds: Worlds) -> None:
    row = by_id(rows, "multi_turn_base_0")
    assert row.scenario is not None
    world = World(worlds, start_of(row))
    loop = [Call("mv", {"source": "document", "destination": "document"}),
            Call("cd", {"folder": "document"}), Call("cd", {"folder": "document"}),
            Call("find", {"path": ".", "name": "x"}), Call("pwd", {}), Call("ls", {})]  # fmt: skip
    made = [(call, world.call(call)) for call in loop]
    assert all(isinstance(result, str) for _, result in made)
    assert world.verdict([[made]], row.scenario.gold).error


def test_the_package_is_as_it_was(rows: list[Row], tmp_path: Path) -> None:
    """Nothing is written beside it, and its own executor's clients are not imported."""
    code = (
        "import sys, json; from stages.evaluation import bfcl, bfcl_worlds as w;"
        "row = bfcl.read(['multi_turn_base']).rows[0];"
        "print(w.verdict(w.start_of(row), [], row.scenario.gold).error);"
        "print(*sorted(m for m in sys.modules if 'bfcl_eval' in m))"
    )
    folder = bfcl.data().parent
    before = sorted(folder.rglob("[!_]*"))
    out = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=ROOT, env=os.environ, text=True, check=True,
        stdout=subprocess.PIPE,
    ).stdout.split()  # fmt: skip
    assert sorted(folder.rglob("[!_]*")) == before
    assert not [name for name in out if any(part in name for part in ("utils", "model_"))
                and not name.endswith("multi_turn_utils")]  # fmt: skip
    json.dumps(rows[0].expected)
