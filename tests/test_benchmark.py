"""benchmark: the command, with answers that are given and with the real engine on a tiny model."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from stages import benchmark
from stages.core import files
from stages.core.conversation import Call
from stages.core.tables import BenchmarkAnswers
from stages.engines import Answer, Ask
from stages.engines.models import load_tokenizer
from stages.engines.store import NAME, Store
from stages.evaluation import asking, bfcl
from stages.evaluation.bfcl import Row
from stages.formats import FORMATS
from tests.conftest import ROOT, params, start
from tests.evaluation.test_bfcl import right_calls
from tests.test_evaluate import lora, tiny_llama

CATEGORIES = ("live_parallel", "live_relevance")
# Where any call is right.
CALL = Call("f", {})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny base model whose tokens are bytes, and an adapter on it."""
    folder = tmp_path_factory.mktemp("tiny")
    base = tiny_llama(folder / "base")
    return base, lora(base, folder / "adapter")


@pytest.fixture
def place(tiny: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml, the base model and the adapter."""
    value = YAML().load(ROOT / "params.yaml")
    value["engine"] = {"max_model_len": 2048, "kv_cache_gib": 1, "max_num_seqs": 8}
    value["evaluate"] |= {"max_tokens": 12, "bootstrap_samples": 50}
    with (tmp_path / "params.yaml").open("w") as stream:
        YAML().dump(value, stream)
    (tmp_path / "models" / "base").mkdir(parents=True)
    (tmp_path / "models" / "base" / "student").symlink_to(tiny[0])
    (tmp_path / "models" / "adapter").symlink_to(tiny[1])
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.delenv("ROUTENATOR_PARAMS", raising=False)
    return tmp_path


def answering(
    monkeypatch: pytest.MonkeyPatch, rows: list[Row], tuned: Callable[[Row], str]
) -> None:
    """In place of an engine: the base model says no, the tuned one what `tuned` gives for a row."""
    tokenizer = load_tokenizer("models/base/student")
    by_query = {row.messages[-1]["content"]: row for row in rows}

    def engine(_: Any, adapter: Path | None, __: Any) -> Any:
        def complete(asks: list[Ask]) -> list[Answer]:
            prompts = [tokenizer.decode(list(ask.tokens)) for ask in asks]
            queries = [max((q for q in by_query if q in one), key=len) for one in prompts]
            return ["no" if adapter is None else tuned(by_query[query]) for query in queries]

        return nullcontext(complete)

    monkeypatch.setattr(asking, "engine", engine)


def test_base_and_tuned_are_scored(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    form, questions = FORMATS["pythonic"], bfcl.read(CATEGORIES)
    conversations = [bfcl.conversation(row, form) for row in questions.rows]
    lengths = asking.lengths("models/base/student", conversations)
    room = sorted(lengths)[len(lengths) // 2]
    params(place, lambda value: value["engine"].update(max_model_len=room + 12))
    fits = [length <= room for length in lengths]
    by_category = {
        name: [fit for row, fit in zip(questions.rows, fits, strict=True) if row.category == name]
        for name in CATEGORIES
    }
    assert all(0 < sum(some) < 16 for some in by_category.values())
    answering(monkeypatch, questions.rows, lambda row: form.render(right_calls(row) or [CALL]))
    benchmark.main(["--categories", *reversed(CATEGORIES)])

    value = json.loads(Path("metrics/benchmark.json").read_text("utf-8"))
    assert value["package"].startswith("bfcl-eval 20") and value["format"] == "pythonic"
    assert value["data_sha256"] == questions.sha256
    assert value["rows"] == {"live_parallel": 16, "live_relevance": 16}
    for name, some in by_category.items():
        assert value["exceed_context"][name] == some.count(False)
        assert value["base"][name] == 0
        assert value["tuned"][name] == sum(some) / 16
        assert value["base"]["errors"][name]["exceeds_context"] == some.count(False)
    assert value["tuned"]["live_must_call"] == sum(fits) / 32
    assert value["tests"]["live_parallel_tuned_only"] == sum(by_category["live_parallel"])
    frame = files.read_table("metrics/benchmark/answers.parquet", BenchmarkAnswers)
    assert frame.group_by("model").len().sort("model").rows() == [("base", 32), ("tuned", 32)]
    assert frame.filter(pl.col("right"), model="tuned").height == sum(fits)
    printed = capsys.readouterr().out
    assert "live must call" in printed and "rows exceed the context" in printed
    assert "non-live" not in printed, "four categories are wanted for that"
    assert Path("data/.work/timings/benchmark.json").is_file()

    before = Path("metrics/benchmark.json").read_bytes()
    monkeypatch.delattr(asking, "engine")  # the store has every answer
    benchmark.main(["--categories", *CATEGORIES, "--out", "own"])
    assert Path("own/benchmark.json").read_bytes() == before
    assert Path("own/answers.parquet").read_bytes() == (
        Path("metrics/benchmark/answers.parquet").read_bytes()
    )
    benchmark.main(["--categories", "live_parallel", "--no-base", "--out", "alone"])
    alone = json.loads(Path("alone/benchmark.json").read_text("utf-8"))
    assert "base" not in alone and "tests" not in alone
    assert alone["tuned"]["live_parallel"] == value["tuned"]["live_parallel"]
    assert Path("metrics/benchmark.json").read_bytes() == before


def test_rows_that_all_exceed_the_context_are_wrong(place: Path) -> None:
    params(place, lambda value: value["engine"].update(max_model_len=64))
    benchmark.main(["--categories", "live_relevance", "--base-only"])
    value = json.loads(Path("metrics/benchmark.json").read_text("utf-8"))
    assert value["exceed_context"] == {"live_relevance": 16}
    assert value["base"]["live_relevance"] == value["base"]["live_must_call"] == 0


def test_what_is_refused(place: Path) -> None:
    Path("file").write_text("")
    for given, says in (
        (["--categories", "simple_java", "x"], "--categories simple_java x: none of BFCL's"),
        (["--categories", "irrelevance"], "--categories irrelevance: a model that never calls"),
        (["--adapter", "nowhere"], "adapter nowhere is no folder"),
        (["--base-only", "--out", "file"], "--out file is no folder"),
    ):
        process = start(place, "stages.benchmark", *given)
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out) == (1, "")
        assert err.startswith(f"error: {says}") and err.count("\n") == 1, err
    with pytest.raises(SystemExit):
        benchmark.arguments(["--base-only", "--no-base"])
    assert benchmark.arguments([]).categories == list(bfcl.DEFAULT)


@pytest.mark.slow
def test_the_real_engine(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = bfcl.read(["simple_python"])
    few = replace(questions, rows=questions.rows[:3])
    monkeypatch.setattr(bfcl, "read", lambda _: few)
    benchmark.main(["--categories", "simple_python"])
    frame = files.read_table("metrics/benchmark/answers.parquet", BenchmarkAnswers)
    assert frame["row_id"].to_list() == 2 * [
        "simple_python_0",
        "simple_python_1",
        "simple_python_2",
    ]
    base, tuned = (frame.filter(model=name)["completion"].to_list() for name in ("base", "tuned"))
    assert base != tuned, "the adapter changed nothing"
    value = json.loads(Path("metrics/benchmark.json").read_text("utf-8"))
    assert value["base"]["errors"] == {"simple_python": {"no_call": 3}}
    assert sum(row.entries for row in Store(files.work_dir() / NAME).usage()) == 6
