"""The tiny pack `travel` from its catalogue to scores, stage by stage as DVC runs them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xgrammar
from datasets import load_dataset
from transformers import AutoTokenizer

from stages import check, evaluate, finetune, formats, route, validate
from stages.core import catalogue, files
from stages.core.command import InputError
from stages.core.conversation import calls_of
from stages.core.tables import Answers, Conversations, Plans, Refused, ToolSets
from stages.engines.store import NAME, Store
from stages.formats.grammar import grammar
from tests.builders import TRAVEL
from tests.conftest import params
from tests.spine.runs import dataset, planned, write
from tests.test_evaluate import tiny_llama

WANTED = 150


def small(value: dict[str, Any]) -> None:
    value["route"].update(rows=WANTED, recipe="heuristic")
    value["finetune"].update(
        num_train_epochs=1, max_length=2048, save_steps=1000, per_device_train_batch_size=16
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which all stages up to `validate` have run."""
    with planned(tmp_path_factory.mktemp("travel"), TRAVEL, small) as folder:
        write()
        yield folder


def test_every_sample_is_right(place: Path) -> None:
    table = dataset(place)
    assert WANTED * 0.8 <= table.height <= WANTED
    tools = files.read_table(place / "data/routed/tool_sets.parquet", ToolSets)
    assert {*table["tool_set"]} <= {*tools["tool_set"]}
    seen = {*table["scenario"]}
    assert seen == {"single", "no_call", "missing_argument", "missing_function"}
    for row in table.to_dicts():
        shown = catalogue.from_tools(json.loads(row["tools"]))
        asked, answer = json.loads(row["messages"])
        calls = calls_of(answer)
        assert asked["role"] == "user" and asked["content"].strip()
        assert bool(calls) == (row["scenario"] == "single")
        if calls:
            assert not catalogue.problems(calls[0], shown)
        else:
            assert answer["content"]
        assert (row["function"] in shown) == (row["scenario"] in ("single", "missing_argument"))


def test_no_query_twice_and_no_meaning_on_both_sides(place: Path) -> None:
    table = dataset(place)
    assert table["plan_id"].n_unique() == table.height
    queries = [json.loads(m)[0]["content"].lower().strip(".?! ") for m in table["messages"]]
    assert len({*queries}) == len(queries)
    train, held = (
        {
            json.dumps(json.loads(m)[1].get("tool_calls"))
            for m in pl.read_parquet(place / f"data/dataset/{name}.parquet")["messages"]
            if json.loads(m)[1].get("tool_calls")
        }
        for name in ("train", "validation")
    )
    assert held and not train & held


def test_rejects_keep_their_reason(place: Path) -> None:
    for name in ("rejected", "surplus"):
        table = files.read_table(place / f"data/rejected/{name}.parquet", Refused)
        assert table.height and table["reason"].str.len_chars().min()  # type: ignore[operator]
    figures = json.loads((place / "metrics/validate.json").read_text())
    written = files.read_table(place / "data/generated/heuristic.parquet", Conversations)
    assert figures["candidates"] == written.height
    assert figures["rows"] == figures["train"] + figures["validation"] == dataset(place).height
    plans = files.read_table(place / "data/routed/plans.parquet", Plans)
    assert {*written["plan_id"]} <= {*plans["plan_id"]}


def test_the_same_again_is_the_same_bytes(place: Path) -> None:
    paths = [place / "data/routed/plans.parquet", place / "data/dataset/train.parquet"]
    before = [path.read_bytes() for path in paths]
    route.main()
    validate.main()
    assert [path.read_bytes() for path in paths] == before


def test_the_lines_load_into_datasets_and_chat_templates(place: Path) -> None:
    lines = (place / "data/dataset/train.jsonl").read_text().splitlines()
    assert len(lines) == pl.read_parquet(place / "data/dataset/train.parquet").height
    table = load_dataset("json", data_files=str(place / "data/dataset/train.jsonl"),
                         cache_dir=str(place / "cache"))["train"]  # fmt: skip
    assert table.num_rows == len(lines)
    row = json.loads(lines[0])
    assert isinstance(row["tools"][0]["function"]["parameters"], dict)
    form = formats.FORMATS["pythonic"]
    messages, _ = formats.conversation(form, row["messages"], row["tools"], row["today"])
    assert [m["role"] for m in messages] == ["system", "user", "assistant"]


def test_a_pack_that_is_wrong_stops_the_check(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place / place.name / "vocabularies" / "en.yaml"
    text = path.read_text()
    try:
        path.write_text(text.replace("{check_in}", "{chek_in}"))
        with pytest.raises(InputError, match="chek_in"):
            check.main()
        path.write_text(text.replace("phrases:", "phrases:\n  fly: [x]"))
        with pytest.raises(InputError, match="fly"):
            check.main()
    finally:
        path.write_text(text)
    check.main()
    assert "3 functions" in capsys.readouterr().out


@pytest.mark.slow
def test_a_tiny_student_is_trained_and_scored(place: Path) -> None:
    """The figures mean nothing; that they are all there, and the same again, does."""
    base = place / "models" / "base"
    shutil.rmtree(base, ignore_errors=True)
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama(base / "student"))
    tokenizer.chat_template = (
        "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}"
        "{% if add_generation_prompt %}<s>assistant: {% endif %}"
    )
    tokenizer.save_pretrained(base / "student")
    finetune.main()
    evaluate.main([])
    value = json.loads((place / "metrics/evaluate.json").read_text())
    assert value["golden"] == 6 and value["acts"] == {"call": 4, "refuse": 1, "ask": 1}
    for model in ("base", "tuned"):
        assert 0 <= value[model]["function_accuracy"] <= 1
        assert value[model]["no_call_accuracy"] + value[model]["missing_argument_accuracy"] >= 0
    assert pl.read_parquet(place / "metrics/evaluate/answers.parquet").height == 12
    assert value["shortlist_recall"] == 1
    assert "decoding" not in value
    free = pl.read_parquet(place / "metrics/evaluate/answers.parquet")

    def both(value: dict[str, Any]) -> None:
        value["evaluate"]["decoding"] = "both"

    params(place, both)
    evaluate.main([])
    beside = json.loads((place / "metrics/evaluate.json").read_text())
    assert {name: beside[name] for name in ("base", "tuned", "tests")} == {
        name: value[name] for name in ("base", "tuned", "tests")
    }
    table = files.read_table(place / "metrics/evaluate/answers.parquet", Answers)
    assert table.filter(~pl.col("model").str.ends_with("_constrained")).equals(free)
    # Two models, six rows, each free and constrained: no answer stands for the other kind.
    assert sum(row.entries for row in Store(files.work_dir() / NAME).usage()) == 24
    shown = catalogue.load(place / place.name / "catalogue.json")
    form = formats.FORMATS["pythonic"]
    for model in ("base_constrained", "tuned_constrained"):
        assert 0 <= beside[model]["mcnemar_exact_p"] <= 1
        assert beside[model]["hallucinated_function"] == 0
        for text in table.filter(model=model)["completion"]:
            # A model that knows nothing writes until its tokens end, but nothing of its own.
            assert all(call.name in shown for call in form.parse(text, shown).calls)
            assert _may_begin(text, shown), text


def _may_begin(text: str, shown: catalogue.Catalogue) -> bool:
    """Whether an answer that the grammar allows begins so."""
    info = xgrammar.TokenizerInfo(
        [bytes([n]) for n in range(256)] + [b"</s>"], stop_token_ids=[256]
    )
    made = grammar("pythonic", shown.functions)
    matcher = xgrammar.GrammarMatcher(xgrammar.GrammarCompiler(info).compile_grammar(made))
    # The last letter may be cut in its middle.
    return bool(matcher.accept_string(text.rstrip("\ufffd")))
