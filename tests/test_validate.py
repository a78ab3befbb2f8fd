"""Stage `validate` on tiny tables made here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stages import validate
from stages.checks import judged
from stages.checks.seals import seals
from stages.core import domain, files
from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.settings import read_yaml
from stages.core.tables import Candidates, Rejected, Requests, Samples, Surplus
from stages.dataset import columns, rows
from stages.dataset.contamination import Golden
from stages.formats.chat import Call, answer, messages, parse_call
from tests.conftest import PACK, params

ROOT = Path(__file__).parents[1]
ANIMALS = ["otter", "heron", "badger", "walrus", "gecko", "falcon", "beetle", "lobster", "camel",
           "jaguar", "penguin", "magpie", "tortoise", "weasel", "salmon", "sparrow"]  # fmt: skip
WEIGHTS = {"heuristic": 0.5, "text": 0.5, "vision": 0.0}


def request(number: int, route: str = "heuristic", **changes: Any) -> dict[str, Any]:
    row = {
        "request_id": f"{route}-{number}", "route": route, "function": "Search",
        "content_type": "Photo", "band": "1-10", "locale": "en", "min_words": 1, "max_words": 10,
        "words": 4, "type_position": None, "rank": number, "quota": 4,
        "template_id": f"{route}/plain", "slots": "{}",
        "asset_id": f"asset-{number % 5}", "node_ids": [f"n{number}"], "image_path": None,
        "seed": number,
    }  # fmt: skip
    return row | changes


def candidate(request_id: str, query: str, reason: str | None = None) -> dict[str, Any]:
    return {"request_id": request_id, "n": 0, "query": query, "completion": query, "model": "none",
            "prompt_hash": "0", "accepted": reason is None, "reason": reason,
            "seal": 0}  # fmt: skip


def table(contract: Any, made: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(made, schema=contract.schema())


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tables that `validate` reads; the pack and the settings are ours."""
    text = (ROOT / "params.yaml").read_text("utf-8")
    (tmp_path / "params.yaml").write_text(
        text.replace("pack: data/domains/creative", f"pack: {PACK}"), "utf-8"
    )
    monkeypatch.chdir(tmp_path)
    requests, made = [], {"heuristic": [], "text": [], "vision": []}  # type: ignore[var-annotated]
    for i, animal in enumerate(ANIMALS):
        requests += [request(i), request(i, "text")]
        made["heuristic"].append(candidate(f"heuristic-{i}", f"find photos of a {animal}"))
        made["text"].append(candidate(f"text-{i}", f"{animal} by the river, pictures"))
    made["text"][0]["query"] = "Find photos of a  Heron!"  # the text route goes first
    made["text"][1]["query"] = "create a photo of a heron"
    made["text"][2] |= {"accepted": False, "reason": "leaked_prompt: repeats the prompt: 'x'"}
    write(requests, made, [("Search", "Photo", "1-10", 20)])
    return tmp_path


def write(
    requests: list[dict[str, Any]],
    made: dict[str, list[dict[str, Any]]],
    cells: list[tuple[str, str, str, int]],
) -> None:
    files.write_table("data/routed/requests.parquet", table(Requests, requests), Requests)
    for route, found in made.items():
        files.write_table(f"data/generated/{route}.parquet", table(Candidates, found), Candidates)
    total = sum(n for *_, n in cells)
    files.write_json(
        "data/routed/targets.json",
        {"rows": total, "weights": WEIGHTS,
         "cells": [{"function": f, "content_type": t, "band": b, "locale": "en",
                    "share": n / total, "quota": n} for f, t, b, n in cells]},
    )  # fmt: skip
    words = {"Search": {"0": 1, "0.5": 5, "1": 10}, "Generate": {"0": 2, "1": 40}}
    files.write_json(
        "data/population/target.json",
        {"words": words, "type_words": {"share": 0.9, "positions": {"0": 0, "1": 1}}},
    )


def results() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, dict[str, Any]]:
    return (
        files.read_table("data/dataset/train.parquet", Samples),
        files.read_table("data/dataset/validation.parquet", Samples),
        files.read_table("data/rejected/rejected.parquet", Rejected),
        files.read_json("metrics/validate.json"),
    )


def test_everything_ends_in_one_place(workplace: Path, creative: Domain) -> None:
    validate.main()
    train, held, rejected, metrics = results()
    assert train.height + held.height == metrics["accepted"] == 20
    surplus = files.read_table("data/rejected/surplus.parquet", Surplus)
    assert metrics["candidates"] == 32 == 20 + rejected.height + surplus.height
    assert metrics["surplus"] == surplus.height == 9 and not set(rejected["check"]) & {"quota"}
    ids = [*train["request_id"], *held["request_id"], *rejected["request_id"],
           *surplus["request_id"]]  # fmt: skip
    assert len(set(ids)) == 32
    assert metrics["routes"]["text"]["passed"] == 14  # acceptance knows no quota
    assert metrics["judged_again"] == 31  # without seals here; one was refused when written
    assert metrics["rejected"] == dict(rejected["check"].value_counts().rows())
    assert metrics["rejected"]["leaked_prompt"] == 1
    assert metrics["rejected"]["function"] == 1
    assert metrics["duplicates"] == metrics["rejected"]["duplicate"] == 1
    refused = rejected.filter(pl.col("check") == "duplicate")["request_id"].to_list()
    assert refused == ["heuristic-1"]  # the scarcer route's is kept
    assert metrics["js_bits"] == 0 and metrics["shortfalls"] == []
    assert metrics["routes"]["text"]["candidates"] == 16
    assert sum(r["share"] for r in metrics["routes"].values()) == pytest.approx(1)
    assert not set(train["asset_id"]) & set(held["asset_id"]) and held.height
    every = pl.concat([train, held])
    for sample in every.iter_rows(named=True):
        arguments = json.loads(sample["arguments"])
        assert arguments == {"content_type": "Photo",
                             "extracted_prompt": sample["extracted_prompt"]}  # fmt: skip
        user, said = json.loads(sample["messages"])
        assert user["content"] == sample["query"]
        call = parse_call(answer(said), creative.tools)
        assert (call.name, call.arguments) == (sample["function"], arguments)
        assert json.loads(sample["tools"]) == creative.tools


def test_same_input_same_bytes(workplace: Path) -> None:
    outputs = ["data/dataset/train.parquet", "data/dataset/validation.parquet",
               "data/rejected/rejected.parquet", "data/rejected/surplus.parquet",
               "metrics/validate.json"]  # fmt: skip
    validate.main()
    first = [Path(name).read_bytes() for name in outputs]
    validate.main()
    assert [Path(name).read_bytes() for name in outputs] == first


def test_metrics_prove_the_dataset(workplace: Path) -> None:
    validate.main()
    metrics = results()[-1]
    assert metrics["recipe"] == "router_heuristic"  # targets.json of before recipes
    # Half are "find photos of a X" (5 words, the type second), half "X by the river, pictures".
    words = metrics["words"]["Search"]
    assert words["median"] == words["mean"] == 5 and metrics["words"]["Generate"] is None
    assert words["ks"] > 0.4 and words["target_mean"] == pytest.approx(5.2525, abs=1e-3)
    places = metrics["type_position"]
    assert places["share_without"] == places["share_typed_without"] == 0
    assert places["target_share_naming_type"] == 0.9
    assert metrics["near_duplicate_share"] == 0
    assert metrics["near_duplicates_left"] <= 0.01
    assert 0 < metrics["self_bleu"] < 1
    assert set(metrics["golden_overlap"]) == {"longest", "rows"}
    assert metrics["label_agreement"]["rows"] > 0
    assert 0 <= metrics["label_agreement"]["share"] <= 1
    by_route = metrics["by_route"]
    assert sum(route["rows"] for route in by_route.values()) == 20
    assert by_route["heuristic"]["type_position"]["mean"] == 0.3
    # Nine of them; the tenth is "Find photos of a  Heron!".
    assert by_route["text"]["type_position"]["mean"] == 0.84
    assert set(by_route["text"]) == {"rows", "sample", "distinct_1", "distinct_2", "distinct_3",
                                     "self_bleu", "words_median", "type_position"}  # fmt: skip


def test_a_population_without_type_words_is_uniform(workplace: Path) -> None:
    population = files.read_json("data/population/target.json")
    del population["type_words"]
    files.write_json("data/population/target.json", population)
    validate.main()
    places = results()[-1]["type_position"]
    assert places["ks_target"] == places["ks_uniform"]
    assert places["target_share_naming_type"] is None


def test_plots_have_their_columns(workplace: Path) -> None:
    validate.main()
    lengths = ["words", "rows", "accepted", "target"]
    columns = {
        "content_types": ["function", "content_type", "target", "accepted", "rows"],
        "words/Search": lengths,
        "words/Generate": lengths,
        "type_position": ["position", "accepted", "target", "uniform"],
        "golden_runs": ["run", "rows"],
        "routes": ["route", "candidates", "passed", "acceptance", "selected"],
        "templates": ["route", "template_id", "candidates", "passed", "acceptance", "selected"],
    }
    made = {str(p.relative_to("metrics/validate")) for p in Path("metrics/validate").rglob("*.csv")}
    assert made == {f"{name}.csv" for name in columns}
    for name, expected in columns.items():
        table = pl.read_csv(f"metrics/validate/{name}.csv")
        assert table.columns == expected and table.height


def test_dvc_draws_the_plots(workplace: Path) -> None:
    """DVC only warns of what it cannot draw."""
    validate.main()
    plots: Any = read_yaml(ROOT / "dvc.yaml")
    ours = [p for p in plots["plots"] if "metrics/validate" in str(p)]
    with Path("dvc.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump({"plots": ours}, stream)
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "--no-scm", "-q"], check=True)
    done = subprocess.run([*dvc, "plots", "show", "--json"], check=True, capture_output=True)
    shown = json.loads(done.stdout)
    assert not shown.get("errors"), shown["errors"]
    # The folder of words becomes one plot a function.
    assert len(shown["data"]) == len(ours) + 1
    for title, drawn in shown["data"].items():
        assert len(drawn) == 1 and drawn[0]["content"]["data"]["values"], title


def test_a_shortfall_is_told(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    requests = [request(i) for i in range(4)] + [request(9, band="11-20", max_words=20)]
    made = [candidate(f"heuristic-{i}", f"find photos of a {ANIMALS[i]}") for i in range(4)]
    write(requests, {"heuristic": made, "text": [], "vision": []},
          [("Search", "Photo", "1-10", 2), ("Search", "Photo", "11-20", 3)])  # fmt: skip
    validate.main()
    _, _, _, metrics = results()
    assert metrics["accepted"] == 4 and metrics["wanted"] == 5
    assert [(s["band"], s["lacking"], s["moved"], s["lost"]) for s in metrics["shortfalls"]] == [
        ("11-20", 3, 2, 1)
    ]
    told = capsys.readouterr().out
    assert "11-20" in told and "short: the dataset lacks 1 of 5 rows (20.0%)" in told


def test_too_few_rows_are_an_error_that_says_why(workplace: Path) -> None:
    """A dataset of a handful in place of thousands is not cached as if it were one."""
    files.write_json(
        "data/routed/targets.json",
        files.read_json("data/routed/targets.json") | {"cells": [
            {"function": "Search", "content_type": "Photo", "band": "1-10", "locale": "en",
             "share": 1.0, "quota": 100}]},
    )  # fmt: skip
    with pytest.raises(InputError) as error:
        validate.main()
    told = str(error.value)
    assert told.startswith("only 29 of 100 wanted rows") and "validate.min_rows_share" in told
    assert "1 leaked prompt" in told and "route.reserve" in told and "{" not in told
    assert not Path("data/dataset").exists()
    params = Path("params.yaml").read_text("utf-8")
    Path("params.yaml").write_text(params.replace("min_rows_share: 0.5", "min_rows_share: 0.29"))
    validate.main()
    assert results()[-1]["accepted"] == 29


def test_what_the_engine_did_not_answer_is_no_candidate(workplace: Path) -> None:
    requests = [request(i) for i in range(3)]
    made = [candidate(f"heuristic-{i}", f"find photos of a {ANIMALS[i]}") for i in range(2)]
    made.append(candidate("heuristic-2", "", "engine: too long"))
    write(requests, {"heuristic": made, "text": [], "vision": []}, [("Search", "Photo", "1-10", 2)])
    validate.main()
    metrics = results()[-1]
    assert (metrics["candidates"], metrics["failed"], metrics["rejected"]) == (2, 1, {})
    assert metrics["routes"]["heuristic"]["acceptance"] == 1


def own_golden(workplace: Path, text: str) -> None:
    """A pack with a golden file of its own."""
    pack = workplace / "pack"
    pack.mkdir()
    shutil.copy(PACK / "domain.yaml", pack)
    (pack / "golden.jsonl").write_text(text, "utf-8")
    params(workplace, lambda value: value.update(pack="pack"))


def test_a_bad_golden_file_is_told_before_anything_is_made(workplace: Path) -> None:
    own_golden(workplace, '{"query": ["find"]}\n')
    with pytest.raises(InputError, match=r"golden\.jsonl, row 1: column `function` is missing"):
        validate.main()
    assert not Path("data/dataset").exists()


def test_a_golden_query_in_another_form_is_dropped(workplace: Path) -> None:
    row = {"query": "cafe\u0301 by the river", "function": "Search", "content_type": "Photo",
           "extracted_prompt": "cafe\u0301"}  # fmt: skip
    own_golden(workplace, "\ufeff" + json.dumps(row))
    made = [candidate("heuristic-0", "café by the river photo"),
            candidate("text-0", "Café by the river")]  # fmt: skip
    write([request(0), request(0, "text", content_type="Any")],
          {"heuristic": made[:1], "text": made[1:], "vision": []},
          [("Search", "Photo", "1-10", 1)])  # fmt: skip
    validate.main()
    _, _, rejected, _ = results()
    assert rejected.select("request_id", "check").rows() == [("text-0", "golden")]


def test_nothing_passed_is_an_error(workplace: Path) -> None:
    made = [candidate("heuristic-0", "create a photo")]
    write([request(0)], {"heuristic": made, "text": [], "vision": []},
          [("Search", "Photo", "1-10", 2)])  # fmt: skip
    with pytest.raises(InputError, match=r"none of 2 wanted rows .*: 1 function "):
        validate.main()


SEALED = {"extracted_prompt": "carried", "position": 0.25}


def sealed(**changes: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A request and its candidate, sealed; then what `changes` names is another."""
    made = candidate("heuristic-0", "find photos of a heron") | SEALED
    requests, found = table(Requests, [request(0)]), table(Candidates, [made])
    known = domain.load(ROOT / "data/domains/creative")
    found = found.with_columns(seal=seals(found.join(requests, "request_id"), known))
    for name, value in changes.items():
        if name in found.columns:
            found = found.with_columns(pl.lit(value).alias(name))
        else:
            requests = requests.with_columns(pl.lit(value).alias(name))
    return requests, found


def test_a_whole_seal_carries_the_verdict(creative: Domain) -> None:
    frame = rows.checked(rows.joined(*sealed()), creative, 1.0, Golden([]))
    assert frame.select("check", *SEALED).row(0) == (None, *SEALED.values())
    assert not frame["again"].any()


@pytest.mark.parametrize(
    "change",
    [{"query": "find photos of a crane"}, {"slots": '{"title": "Crane"}'}, {"position": 0.5},
     {"extracted_prompt": "crane"}, {"max_words": 9}, {"min_words": 2}, {"locale": "en-GB"},
     {"content_type": "Any"}, {"function": "Generate"}],
)  # fmt: skip
def test_a_broken_seal_is_judged_again(change: dict[str, Any], creative: Domain) -> None:
    requests, found = sealed(**change)
    frame = rows.checked(rows.joined(requests, found), creative, 1.0, Golden([]))
    row = frame.row(0, named=True)
    told = judged(row["query"], row | change, creative)
    assert frame.select("check", "reason", *SEALED).row(0) == tuple(told)
    assert told.extracted_prompt != "carried"


def test_another_rule_breaks_the_seals(creative: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    requests, found = sealed()
    functions = [f.model_copy(update={"max_words": 3}) for f in creative.functions]
    strict = creative.model_copy(update={"functions": functions})
    frame = rows.checked(rows.joined(requests, found), strict, 1.0, Golden([]))
    assert frame["check"].to_list() == ["length"]
    monkeypatch.setattr("stages.checks.seals._code", lambda: b"changed")
    frame = rows.checked(rows.joined(requests, found), creative, 1.0, Golden([]))
    assert frame["extracted_prompt"].to_list() == ["heron"]


def test_an_accepted_row_that_was_refused_is_judged_again(creative: Domain) -> None:
    made = candidate("heuristic-0", "create photos of a heron", "function: asks for Generate")
    requests, found = table(Requests, [request(0)]), table(Candidates, [made])
    found = found.with_columns(seal=seals(found.join(requests, "request_id"), creative))
    for flipped, reason in ((False, "asks for Generate"), (True, "asks for Generate, not Search")):
        changed = found.with_columns(accepted=pl.lit(flipped))
        frame = rows.checked(rows.joined(requests, changed), creative, 1.0, Golden([]))
        assert frame.select("check", "reason").row(0) == ("function", reason)


@pytest.mark.parametrize(
    ("told", "check", "reason"),
    [(None, "refused", "refused"), ("", "refused", "refused"), ("odd", "odd", "odd"),
     ("length: 3: few", "length", "3: few"), ("length: ", "length", "length")],
)  # fmt: skip
def test_refusals_keep_their_check_and_reason(
    told: str | None, check: str, reason: str, creative: Domain
) -> None:
    made = candidate("heuristic-0", "a heron") | {"accepted": False, "reason": told}
    joined = rows.joined(table(Requests, [request(0)]), table(Candidates, [made]))
    frame = rows.checked(joined, creative, 1.0, Golden([]))
    assert frame.select("check", "reason").row(0) == (check, reason)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text() | st.text('a"\\\n\x00\ue000\ue001 é', max_size=8), max_size=6))
def test_labels_are_json_whatever_the_text(creative: Domain, texts: list[str]) -> None:
    made = [candidate(f"heuristic-{n}", text) for n, text in enumerate(texts)]
    requests = [request(n, function=("Search", "Generate")[n % 2]) for n in range(len(texts))]
    joined = rows.joined(table(Requests, requests), table(Candidates, made))
    frame = joined.with_columns(extracted_prompt=pl.col("query").str.reverse(), text="query")
    samples = validate.labelled(frame, creative)
    assert samples["query"].sort().to_list() == sorted(texts)
    for row in samples.iter_rows(named=True):
        arguments = {"content_type": "Photo", "extracted_prompt": row["extracted_prompt"]}
        call = Call(row["function"], arguments)
        assert row["arguments"] == json.dumps(arguments, ensure_ascii=False)
        assert row["messages"] == json.dumps(messages(row["query"], call), ensure_ascii=False)


def test_a_candidate_without_request_is_an_error() -> None:
    with pytest.raises(InputError, match="'ghost'"):
        rows.joined(table(Requests, [request(0)]), table(Candidates, [candidate("ghost", "a")]))


def test_a_missing_table_is_an_error(workplace: Path) -> None:
    Path("data/generated/vision.parquet").unlink()
    with pytest.raises(InputError, match=r"vision\.parquet is missing"):
        validate.main()


def test_checks_are_given_the_whole_request(creative: Domain) -> None:
    """A word about the task passes where a slot holds it; another locale's words are its own."""
    told = {"slots": json.dumps({"title": "Keyword Wall"})}
    requests = [request(0, **told), request(1), request(2, locale="ja")]
    queries = ["find photos of a keyword wall", "find photos of a keyword wall", "水辺の photos"]
    made = [candidate(f"heuristic-{n}", query) for n, query in enumerate(queries)]
    joined = rows.joined(table(Requests, requests), table(Candidates, made))
    frame = rows.checked(joined, creative, 0.0, Golden([]))
    assert frame["check"].to_list() == [None, "leaked_prompt", None]


def test_near_duplicates_name_what_they_repeat(creative: Domain) -> None:
    requests = table(Requests, [request(i) for i in range(2)])
    made = [candidate("heuristic-0", "find photos of otters in a river bend"),
            candidate("heuristic-1", "find photos of otters in a river bends")]  # fmt: skip
    frame = rows.checked(rows.joined(requests, table(Candidates, made)), creative, 1.0, Golden([]))
    frame = rows.deduplicated(frame, 0.8, 0)
    assert frame["check"].to_list() == [None, "near_duplicate"]
    assert "otters in a river bend'" in frame["reason"][1]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("Red  panda!", "is a golden query"),
        ("please draw me a very tall ship", "6 words in a row"),
        ("draw me a very small ship", None),
        ("red pandas", None),
    ],
)
def test_what_coincides_with_a_golden_query_is_dropped(query: str, told: str | None) -> None:
    golden = Golden(["red panda", "Draw me a very tall ship, at night", ""])
    reason = golden.reasons(columns.normalize(pl.Series([query]))).item()
    assert (reason is None) if told is None else told in reason
