"""The route text where phrases write: a model's words for a plan, and who refuses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stages import generate, models
from stages.checks.call import Context
from stages.core import files, pack, plan
from stages.core.tables import Conversations, Plans
from stages.generation.patterns import Patterns
from stages.generation.rewording import PAIRS, Rewording
from stages.spine.writing import judged
from tests.builders import TRAVEL
from tests.spine.runs import dataset, planned, write

WANTED = 80


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which plans for the route text are made."""

    def small(value: dict[str, Any]) -> None:
        value["route"].update(rows=WANTED, recipe="router_heuristic", min_per_cell=1)
        value["engine"].update(max_num_seqs=16)

    with planned(tmp_path_factory.mktemp("reworded"), TRAVEL, small) as folder:
        yield folder


def plans(place: Path) -> list[plan.Plan]:
    table = files.read_table(place / "data/routed/plans.parquet", Plans)
    return [plan.from_record(row) for row in table.filter(route="text").to_dicts()]


def rewording(place: Path) -> Rewording:
    return Rewording(Patterns(pack.load(place.name)), plans(place))


def test_a_prompt_ends_with_the_sentence_and_shows_pairs_of_other_plans(place: Path) -> None:
    made, some = rewording(place), plans(place)
    called = next(one for one in some if one.turn.act == "call" and one.turn.calls[0].said)
    asked = made.ask(called, 0, 0)
    assert asked == made.ask(called, 0, 0)
    system, *pairs, last = asked.messages
    assert system["role"] == "system" and last == {"role": "user", "content": asked.sentence.query}
    assert [m["role"] for m in pairs] == ["user", "assistant"] * (len(pairs) // 2)
    assert 0 < len(pairs) <= 2 * PAIRS
    for first, second in zip(pairs[::2], pairs[1::2], strict=True):
        assert first["content"] != second["content"]
    german = next(one for one in some if one.locale == "de")
    assert "German" in made.ask(german, 0, 0).messages[0]["content"]


def test_words_that_lose_or_repeat_the_plan_are_refused(place: Path) -> None:
    made, given = rewording(place), pack.load(place.name)
    called = next(
        one for one in plans(place)
        if one.locale == "en" and one.turn.act == "call" and len(one.turn.calls[0].said) > 1
    )  # fmt: skip
    asked = made.ask(called, 0, 0)

    def refused(query: str) -> str | None:
        told = "\n".join(message["content"] for message in asked.messages[:-1])
        context = Context(given, called.locale, prompt=told, sentence=asked.sentence.query)
        return judged([asked.sentence._replace(query=query)], called, context, "x").check

    sentence = asked.sentence.query
    assert refused("please") == "said"
    assert refused(f"{sentence} and thanks") is None
    assert refused(f"{sentence}, 4711") == "leaked"


@pytest.mark.slow
def test_a_real_writer_says_plans_anew(place: Path) -> None:
    """The small writer's words are often refused; those that are taken carry their plans."""
    models.main()
    write()
    table = files.read_table(place / "data/generated/text.parquet", Conversations)
    taken = table.filter(pl.col("check").is_null())
    assert taken.height and {*table["check"].drop_nulls()}
    assert {*table["model"]} != {""} and table["completion"].str.len_chars().max()
    figures = json.loads((place / "metrics/generate_text.json").read_text())
    assert (figures["candidates"], figures["accepted"]) == (table.height, taken.height)
    rows = dataset(place)
    # Where the model has as many as were planned of it, the route heuristic takes none of them.
    assert {*rows["route"]} == {"heuristic", "text"}
    before = (place / "data/generated/text.parquet").read_bytes()
    generate.main(["text"])  # all from the store
    assert (place / "data/generated/text.parquet").read_bytes() == before
