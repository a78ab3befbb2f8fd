"""A dataset with conversations of several turns, stage by stage as DVC runs them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stages.core import catalogue
from stages.core.conversation import calls_of
from tests.builders import TRAVEL
from tests.reporting.test_page import made, unpacked
from tests.several_turns import SEVERAL_TURNS
from tests.spine.runs import dataset, planned, write

SCENARIOS = "scenarios: {single: 0.3, no_call: 0.05, clarified: 0.2, failed: 0.2, multi_turn: 0.25}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which all stages up to `validate` have run, names masked in half of the sets."""
    pack = tmp_path_factory.mktemp("packs") / "turns"
    shutil.copytree(TRAVEL, pack)
    file = pack / "population.yaml"
    lines = file.read_text("utf-8").splitlines()
    lines = [SCENARIOS if line.startswith("scenarios:") else line for line in lines]
    file.write_text("\n".join(lines), "utf-8")

    def small(value: dict[str, Any]) -> None:
        value["route"].update(rows=200, recipe="heuristic")
        value["validate"].update(masked_share=0.5)

    with planned(tmp_path_factory.mktemp("turns"), pack, small) as folder:
        write()
        yield folder


def test_every_call_fits_the_functions_shown_and_every_result_its_call(place: Path) -> None:
    table = dataset(place)
    assert set(SEVERAL_TURNS) < {*table["scenario"]} and table.height > 150
    masked = 0
    for row in table.to_dicts():
        shown, messages = (
            catalogue.from_tools(json.loads(row["tools"])),
            json.loads(row["messages"]),
        )
        calls = [call for message in messages for call in calls_of(message)]
        assert not any(catalogue.problems(call, shown) for call in calls)
        ids = [call["id"] for m in messages for call in m.get("tool_calls", ())]
        assert len(set(ids)) == len(ids)
        for number, message in enumerate(messages):
            if message["role"] == "tool":
                assert messages[number - 1]["tool_calls"][0]["id"] == message["tool_call_id"]
        # What names an argument by its own name has the functions' own names too.
        is_masked = row["function"] and row["function"] not in shown
        assert not (is_masked and row["scenario"] in ("clarified", "failed"))
        masked += bool(is_masked and row["scenario"] == "multi_turn")
    assert masked


def test_the_page_shows_every_message(place: Path) -> None:
    shown = json.dumps(unpacked(made()), ensure_ascii=False)
    for text in ("That didn't work", "Could you tell me", "Done."):
        assert text in shown
