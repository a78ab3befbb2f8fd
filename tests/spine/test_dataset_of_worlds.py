"""A pack with a world, stage by stage as DVC runs them: dataset, page, and scores by playing."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stages import evaluate
from stages.core import catalogue, files
from stages.core import pack as packs
from stages.core.conversation import calls_of
from stages.core.plan import from_record
from stages.core.tables import Dependencies, Plans, PlayedRequests
from stages.planning.states import state_seed
from stages.worlds.execution import call
from stages.worlds.state import State
from tests.conftest import params
from tests.reporting.test_page import made, unpacked
from tests.spine.runs import dataset, planned, write
from tests.test_evaluate import lora, tiny_llama
from tests.worlds.world_packs import LENDING, TODAY, lending


def _golden() -> tuple[dict[str, Any], dict[str, Any]]:
    """A row with results before its answer."""
    state = State.open(lending().worlds["lending"], 1, TODAY, lending().world_words)
    author = state.rows("SELECT author FROM books ORDER BY book_id")[0][0]
    given = call(state, "find_books", {"author": author}).result
    find = {"id": "call_0", "type": "function",
            "function": {"name": "find_books", "arguments": {"author": author}}}  # fmt: skip
    book = given["books"][0]["book_id"]
    said: list[dict[str, Any]] = [
        {"role": "user", "content": f"is the first book by {author} in"},
        {"role": "assistant", "content": "", "tool_calls": [find]},
        {"role": "tool", "tool_call_id": "call_0", "content": json.dumps(given)},
    ]
    tools = ["find_books", "list_copies"]
    expected = [{"name": "list_copies", "arguments": {"book_id": [book]}}]
    journey = {
        "world": "lending", "seed": 1, "today": TODAY.isoformat(), "tools": tools, "requests": [
            {"query": said[0]["content"], "answer": "Here.", "steps": [
                [{"name": "find_books", "arguments": {"author": author}}],
                [{"name": "list_copies", "arguments": {"book_id": book}}]]},
            {"query": "sing", "steps": [], "answer": "I cannot."},
        ],
    }  # fmt: skip
    return {"messages": said, "tools": tools, "expected": expected}, journey


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which all stages up to `validate` have run."""
    pack = tmp_path_factory.mktemp("packs") / "worldly"
    shutil.copytree(LENDING, pack)
    golden, journey = _golden()
    (pack / "golden.jsonl").write_text(json.dumps(golden) + "\n", "utf-8")
    (pack / "journeys.jsonl").write_text(json.dumps(journey) + "\n", "utf-8")

    def small(value: dict[str, Any]) -> None:
        value["route"].update(rows=120, recipe="heuristic")
        value["tools"].update(sets=8, shown=[4, 5])
        value["validate"].update(masked_share=0.3, min_rows_share=0.5)

    with planned(tmp_path_factory.mktemp("worldly"), pack, small) as folder:
        write()
        yield folder


def test_the_dataset_holds_what_the_world_gave(place: Path) -> None:
    table = dataset(place)
    assert table.height > 60 and {*table["scenario"]} == {"trajectory"}
    plans = files.read_table(place / "data/routed/plans.parquet", Plans)
    pack = packs.load(place / place.name)
    steps = masked = 0
    for row in table.to_dicts():
        messages = json.loads(row["messages"])
        shown = catalogue.from_tools(json.loads(row["tools"]))
        calls = [one for message in messages for one in calls_of(message)]
        assert not any(catalogue.problems(one, shown) for one in calls)
        given = [json.loads(m["content"]) for m in messages if m["role"] == "tool"]
        plan = from_record(plans.filter(plan_id=row["plan_id"]).to_dicts()[0])
        done = [one for turn in plan.turns for one in turn.calls]
        assert len(given) == len(done) and row["today"] is not None
        world, number = pack.worlds["lending"], state_seed(plan.tool_set)
        today = datetime.date.fromisoformat(row["today"])
        state = State.open(world, number, today, pack.world_words)
        results = [call(state, one.function, one.call.arguments).result for one in done]
        state.close()
        assert results == given
        steps += any(turn.act == "step" for turn in plan.turns)
        masked += any(one.name not in pack.catalogue for one in calls)
        assert messages[-1]["role"] == "assistant" and not messages[-1].get("tool_calls")
    assert steps > 20 and masked


def test_the_ways_between_functions_are_written_and_drawn(place: Path) -> None:
    table = files.read_table(place / "data/ingested/graph/dependencies.parquet", Dependencies)
    assert table.height == 4
    traced = files.read_json(place / "metrics/route.json")["worlds"]
    assert traced["targets_reached"] == traced["replay_equal"] == 1.0
    assert (
        traced["edges"] == 4 and traced["edges_covered"] == 0.75
    )  # what is on loan cannot be lent
    html = made()
    assert '<svg class="ways"' in html and "75.0% of the 4 ways" in html
    shown = json.dumps(unpacked(html), ensure_ascii=False)
    assert "Here you go" in shown


@pytest.mark.slow
def test_models_play_the_held_out_conversations(place: Path) -> None:
    base = tiny_llama(place / "models" / "base" / "student")
    adapter = lora(base, place / "models" / "adapter")

    def small(value: dict[str, Any]) -> None:
        value["models"]["student"] = f"path:{base}"
        value["evaluate"].update(max_tokens=12, bootstrap_samples=50)
        value["engine"].update(max_model_len=4096)

    params(place, small)
    evaluate.main(["--adapter", str(adapter), "--out", str(place / "out")])
    table = files.read_table(place / "out" / "played.parquet", PlayedRequests)
    assert table["model"].to_list() == ["base", "base", "tuned", "tuned"]
    assert table["steps"].to_list() == [2, 0, 2, 0]
    value = files.read_json(place / "out" / "evaluate.json")
    for name in ("base", "tuned"):
        # A random model calls nothing: right where nothing is to be called.
        assert value[name]["state"] == 0.0 and value[name]["refraining"] in (0.0, 1.0)
        assert value[name]["requests"] == 2
    assert "mcnemar_state_p" in value["tests"]
    assert isinstance(table, pl.DataFrame)
