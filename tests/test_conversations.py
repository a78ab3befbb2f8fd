"""benchmark on BFCL's conversations: with answers that are given, and with the real engine on a
model that knows one call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from stages import benchmark
from stages.core import files
from stages.core.tables import BenchmarkAnswers
from stages.engines import Answer, Ask
from stages.engines.models import load_tokenizer
from stages.evaluation import asking, bfcl, bfcl_conversations, bfcl_scores
from stages.evaluation.bfcl import MULTI_TURN, Questions, Row
from stages.evaluation.bfcl_checker import EXCEEDS, Judged
from stages.evaluation.bfcl_worlds import Worlds
from stages.formats import FORMATS, chat_template
from tests.conftest import params
from tests.evaluation.test_bfcl_worlds import gold_calls
from tests.formats.test_serving import memorized
from tests.test_benchmark import place, tiny

__all__ = ["place", "tiny"]
PYTHONIC = FORMATS["pythonic"]


def some(monkeypatch: pytest.MonkeyPatch, *ids: str) -> Questions:
    """Of all conversations these alone."""
    found = bfcl.read(MULTI_TURN)
    few = replace(found, rows=[row for row in found.rows if row.row_id in ids])
    monkeypatch.setattr(bfcl, "read", lambda _: few)
    return few


def right(row: Row) -> list[str]:
    """The right answers to a conversation, one after another."""
    answers = []
    for turn in gold_calls(row):
        answers += [PYTHONIC.render(turn)] * bool(turn) + ["That is all."]
    return answers


def playing(monkeypatch: pytest.MonkeyPatch, rows: list[Row],
            tuned: Callable[[Row], list[str]]) -> list[int]:  # fmt: skip
    """In place of an engine: the base model says no, the tuned one has its answers by number.
    Gives the sizes of what was asked, in order.
    """
    tokenizer = load_tokenizer("models/base/student")
    first = {row.messages[0]["content"]: row for row in rows}
    answers = {row.row_id: tuned(row) for row in rows}
    started, sizes = list[Any](), list[int]()

    def engine(_: Any, adapter: Path | None, __: Any, ___: Any = None) -> Any:
        assert adapter not in started, "one engine for all steps of a model"
        started.append(adapter)

        def complete(asks: list[Ask]) -> list[Answer]:
            sizes.append(len(asks))
            prompts = [tokenizer.decode(list(ask.tokens)) for ask in asks]
            given: list[Answer] = []
            for prompt in prompts:
                row = next(row for said, row in first.items() if f"user: {said}\n" in prompt)
                number = prompt.count("<s>assistant: ") - 1  # the last begins the answer
                given.append("no" if adapter is None else answers[row.row_id][number])
            return given

        return nullcontext(complete)

    monkeypatch.setattr(asking, "engine", engine)
    return sizes


IDS = ("multi_turn_base_0", "multi_turn_miss_func_1", "multi_turn_miss_param_2",
       "multi_turn_long_context_60")  # fmt: skip


def test_conversations_are_scored(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    params(place, lambda value: value["engine"].update(max_model_len=100_000))
    rows = some(monkeypatch, *IDS).rows
    assert [row.row_id for row in rows] == [*IDS[:3], IDS[3]]
    sizes = playing(monkeypatch, rows, right)
    benchmark.main(["--categories", *MULTI_TURN, "--out", "own"])
    assert sizes[:2] == [4, 4], "all conversations together"
    printed = " ".join(capsys.readouterr().out.split())
    value = json.loads(Path("own/benchmark.json").read_text("utf-8"))
    assert value["rows"] == dict.fromkeys(MULTI_TURN, 1) and value["exceed_context"] == {}
    for name in MULTI_TURN:
        assert value["tuned"][name] == value["tuned"][f"{name}_turns"] == 1
        assert value["base"][name] == value["base"][f"{name}_turns"] == 0
        assert value["base"]["errors"][name] == {"multi_turn:empty_turn_model_response": 1}
        assert value["base"][f"{name}_steps"] == 1 and value["tuned"][f"{name}_steps"] > 1
        assert value["tests"][f"{name}_tuned_only"] == 1
    for name in ("multi_turn_miss_func", "multi_turn_miss_param"):
        assert value["base"][f"{name}_refraining"] == value["tuned"][f"{name}_refraining"] == 1
    assert "multi_turn_base_refraining" not in value["base"], "there is no such turn"
    assert "turns before a miss" in printed and "steps a turn" in printed
    frame = files.read_table("own/answers.parquet", BenchmarkAnswers)
    (row,) = frame.filter(row_id=IDS[0], model="tuned").to_dicts()
    turns, said = json.loads(row["predicted"]), json.loads(row["completion"])
    assert [len(turn) for turn in turns] == [len(turn) for turn in said] == [2, 2, 2, 2]
    assert turns[0][0][0] == {"name": "cd", "arguments": {"folder": "document"}}
    assert said[0][1] == "That is all." and row["right"] and row["error"] is None

    monkeypatch.delattr(asking, "engine")  # the store has every answer
    benchmark.main(["--categories", *MULTI_TURN, "--out", "again"])
    assert Path("again/benchmark.json").read_text() == Path("own/benchmark.json").read_text()


def played(row: Row, answers: Sequence[str | None]) -> Judged:
    """A conversation with these answers, then silence."""
    given = iter(answers)
    (one,) = bfcl_conversations.play([row], PYTHONIC, lambda _: [next(given, "no")])
    return one


@pytest.fixture(scope="module")
def by_id() -> dict[str, Row]:
    return {row.row_id: row for row in bfcl.read(MULTI_TURN).rows}


def test_what_is_wrong_with_a_conversation(by_id: dict[str, Row]) -> None:
    row = by_id[IDS[0]]
    gold = right(row)
    assert played(row, gold).is_right
    for answers, error, turns in (
        ([], "multi_turn:empty_turn_model_response", 0),
        (gold[:4], "multi_turn:empty_turn_model_response", 2),
        ([*gold[:2], '[cd(folder="temp")]'], "multi_turn:execution_response_mismatch", 1),
        (['[mkdir(dir_name="temp")]'], "multi_turn:instance_state_mismatch", 0),
        ([*gold[:2], "[cd(", "no"], "multi_turn:empty_turn_model_response", 1),
        (["[pwd()]"] * 21, "multi_turn:force_terminated", 0),
        ([*gold[:6], *["[pwd()]"] * 21], "multi_turn:instance_state_mismatch", 3),
        ([None], EXCEEDS, 0),
        ([*gold[:3], None], EXCEEDS, 1),
        ([*gold[:4], None], EXCEEDS, 2),
        ([*gold[:-1], None], EXCEEDS, 3),
    ):
        one = played(row, answers)
        assert one.played is not None
        assert (one.error, one.played.right) == (error, turns), answers
    # 20 steps are none too many; those of the last turn are judged as they are.
    assert played(row, [*["[pwd()]"] * 20, *gold]).played.right == 0  # type: ignore[union-attr]
    assert played(row, [*["[pwd()]"] * 18, *gold]).is_right
    assert played(row, [*gold[:-1], *["[pwd()]"] * 20]).is_right
    assert played(row, [*gold[:2], "[cd("]).parsed.error == "unreadable"


def test_a_function_held_back(by_id: dict[str, Row]) -> None:
    """A call of it before its turn is done, as BFCL does it: only the prompt lacks it."""
    row = by_id["multi_turn_miss_func_0"]
    assert row.scenario is not None
    gold = right(row)
    assert played(row, gold).is_right
    early = [*gold[:4], '[sort(file_name="final_report.pdf")]', *gold[4:]]
    one = played(row, early)
    assert one.is_right, "BFCL does not look at turns that want no call"
    assert one.played is not None and one.played.refrained(row) == [False]
    value = bfcl_scores.estimates([one], 10, 1)
    assert value["multi_turn_miss_func_refraining"].value == 0
    assert value["multi_turn_miss_func_steps"].value == 10 / 5


def test_scores_by_hand(by_id: dict[str, Row]) -> None:
    row, other = by_id["multi_turn_miss_param_0"], by_id["multi_turn_miss_param_1"]
    answers = [played(row, right(row)), played(other, [*right(other)[:2], None])]
    found = bfcl_scores.estimates(answers, 50, 1)
    assert row.scenario is not None and other.scenario is not None
    wanted = [sum(map(bool, one.scenario.gold)) for one in (row, other)]  # type: ignore[union-attr]
    name = "multi_turn_miss_param"
    assert {one: score.value for one, score in found.items()} == {
        name: 0.5,
        f"{name}_turns": (wanted[0] + 1) / sum(wanted),
        f"{name}_refraining": 1,
        f"{name}_steps": (len(right(row)) + 2) / (len(row.scenario.gold) + 1),
    }
    value = bfcl_scores.result({"base": answers}, 50, 1)
    assert value["exceed_context"] == {name: 1}
    console = Console(markup=False, width=120, record=True)
    for table in bfcl_scores.tables(value, ["base"], {"base": 1.0}):
        console.print(table)
    text = " ".join(console.export_text().split())
    assert "1 rows exceed the context" in text and "refraining: share of the turns" in text


def test_hostile_answers_do_nothing(by_id: dict[str, Row], tmp_path: Path,
                                    monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for text in (
        "[echo(content=__import__('os').system('touch hostile'))]",
        "[_load_scenario(scenario={})]", "[__init__()]", "[cd.__call__(folder='document')]",
        "[cd(**{'folder': 'document'})]", "[os.system(command='touch hostile')]",
        "[exec(source='open(\"hostile\", \"w\")')]", f"[echo(content='{'x' * 7000}')]",
        "[pwd(), " + "ls(), " * 500 + "ls()]",
    ):  # fmt: skip
        assert not played(by_id[IDS[0]], [text]).is_right
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_real_engine(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two functions the prompt fits into the context of the tiny model, which calls without an
    end where it does not say nothing.
    """
    few = some(monkeypatch, *IDS[:1])
    small = replace(few.rows[0], catalogue=few.rows[0].catalogue.subset(("pwd", "cd")))
    monkeypatch.setattr(bfcl, "read", lambda _: replace(few, rows=[small]))
    base = Path("models/base/student").resolve()
    asked = bfcl_conversations.episode(small, PYTHONIC, Worlds()).conversation()
    assert asked is not None
    prompt = chat_template.read(load_tokenizer(str(base)), learn=False).prompt(*asked)
    memorized(base, prompt, "[pwd()]", Path("own"))
    benchmark.main(["--adapter", "own", "--no-base", "--categories", *MULTI_TURN[:1], "--out", "o"])
    (row,) = files.read_table("o/answers.parquet", BenchmarkAnswers).to_dicts()
    (first, *_), *_ = json.loads(row["predicted"])
    assert first == [{"name": "pwd", "arguments": {}}]
    value = json.loads(Path("o/benchmark.json").read_text("utf-8"))
    assert value["tuned"]["multi_turn_base"] == 0 and value["tuned"]["multi_turn_base_steps"] >= 1
    assert sum(value["tuned"]["errors"]["multi_turn_base"].values()) == 1
