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
from ruamel.yaml import YAML

from stages import validate
from stages.core import catalogue, files, plan
from stages.core.command import InputError
from stages.core.conversation import calls_of
from stages.core.pack import Pack
from stages.core.plan import Plan
from stages.core.runs import Runs
from stages.core.settings import read_yaml
from stages.core.tables import Conversations, Dialogues, Plans, Refused, ToolSets
from stages.dataset import columns, contamination, dialogues
from tests.builders import judged, make_search
from tests.conftest import PACK, params

ROOT = Path(__file__).parents[1]
ANIMALS = ["otter", "heron", "badger", "walrus", "gecko", "falcon", "beetle", "lobster", "camel",
           "jaguar", "penguin", "magpie", "tortoise", "weasel", "salmon", "sparrow"]  # fmt: skip
# Of a stratum: class, band, rows by route.
Wanted = tuple[str, tuple[int, int], dict[str, int]]


def planned(number: int, route: str = "heuristic", **changes: Any) -> Plan:
    given: dict[str, Any] = {
        "kind": "Photo", "plan_id": f"{route}-{number}", "route": route, "rank": number, "quota": 4,
        "template_id": f"{route}/plain", "asset_ids": (f"asset-{number % 5}",),
             "node_ids": (f"n{number}",), "seed": number,
    }  # fmt: skip
    return make_search(**given | changes)


def candidate(one: Plan, query: str, pack: Pack, refusal: tuple[str, str] | None = None
              ) -> dict[str, Any]:  # fmt: skip
    """What was written for a plan, judged as the stage generate does."""
    found = judged(query, one, pack)
    check, reason = refusal or (found.check, found.reason)
    arguments = {"content_type": one.stratum["content_type"], "extracted_prompt": found.extracted}
    function = {"name": one.stratum["function"], "arguments": arguments}
    calls = [{"id": "call_0", "type": "function", "function": function}]
    messages = [{"role": "user", "content": query},
                {"role": "assistant", "content": "", "tool_calls": calls}]  # fmt: skip
    return {"plan_id": one.plan_id, "n": 0, "query": query, "messages": json.dumps(messages),
            "completion": query, "model": "none", "prompt_hash": "0",
            "template_id": one.template_id, "check": check, "reason": reason,
            "place": found.place if check is None else None}  # fmt: skip


def write(
    pack: Pack, plans: list[Plan], made: dict[str, list[dict[str, Any]]], wanted: list[Wanted]
) -> None:
    rows = [plan.to_record(one) for one in plans]
    table = pl.DataFrame(rows, schema=Plans.schema(), orient="row")
    files.write_table("data/routed/plans.parquet", table, Plans)
    sets = {"tool_set": "tools-0000", "tools": json.dumps(pack.catalogue.tools), "today": None}
    files.write_table(
        "data/routed/tool_sets.parquet", pl.DataFrame([sets], ToolSets.schema()), ToolSets
    )
    for route in ("heuristic", "text", "vision"):
        found = pl.DataFrame(made.get(route, []), schema=Conversations.schema())
        files.write_table(f"data/generated/{route}.parquet", found, Conversations)
    total = sum(sum(routes.values()) for _, _, routes in wanted)
    strata = [
        {"values": dict(make_search(kind=kind, band=band).stratum),
         "share": sum(routes.values()) / total, "min_words": band[0], "max_words": band[1],
         "quota": sum(routes.values()), "routes": routes}
        for kind, band, routes in wanted
    ]  # fmt: skip
    files.write_json("data/routed/strata.json", {"recipe": "router", "strata": strata})
    words = {"Search": {"0": 1, "0.5": 5, "1": 10}, "Generate": {"0": 2, "1": 40}}
    files.write_json(
        "data/population/strata.json",
        {"words": words, "naming": 0.9, "places": {"0": 0, "1": 1}},
    )


@pytest.fixture
def workplace(tmp_path: Path, creative: Pack, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tables that `validate` reads; the pack and the settings are ours."""
    text = (ROOT / "params.yaml").read_text("utf-8")
    (tmp_path / "params.yaml").write_text(
        text.replace("pack: data/domains/creative", f"pack: {PACK}"), "utf-8"
    )
    monkeypatch.chdir(tmp_path)
    plans = [planned(i, route) for i in range(len(ANIMALS)) for route in ("heuristic", "text")]
    by_id = {one.plan_id: one for one in plans}
    queries = {f"heuristic-{i}": f"find photos of a {a}" for i, a in enumerate(ANIMALS)}
    queries |= {f"text-{i}": f"{a} by the river, pictures" for i, a in enumerate(ANIMALS)}
    queries["text-0"] = "Find photos of a  Heron!"  # the text route goes first
    queries["text-1"] = "create a photo of a heron"
    made: dict[str, list[dict[str, Any]]] = {"heuristic": [], "text": []}
    for name, query in queries.items():
        refusal = ("leaked_prompt", "repeats the prompt: 'x'") if name == "text-2" else None
        made[name.split("-")[0]].append(candidate(by_id[name], query, creative, refusal))
    write(creative, plans, made, [("Photo", (1, 10), {"heuristic": 10, "text": 10})])
    return tmp_path


def results() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, dict[str, Any]]:
    return (
        files.read_table("data/dataset/train.parquet", Dialogues),
        files.read_table("data/dataset/validation.parquet", Dialogues),
        files.read_table("data/rejected/rejected.parquet", Refused),
        files.read_json("metrics/validate.json"),
    )


def test_everything_ends_in_one_place(workplace: Path, creative: Pack) -> None:
    validate.main()
    train, held, rejected, metrics = results()
    assert train.height + held.height == metrics["rows"] == 20
    surplus = files.read_table("data/rejected/surplus.parquet", Refused)
    assert metrics["candidates"] == 32 == 20 + rejected.height + surplus.height
    assert metrics["surplus"] == surplus.height == 9
    ids = [*train["plan_id"], *held["plan_id"], *rejected["plan_id"], *surplus["plan_id"]]
    assert len(set(ids)) == 32
    assert metrics["routes"]["text"]["passed"] == 14  # acceptance knows no quota
    assert metrics["rejected"] == dict(rejected["check"].value_counts().rows())
    assert metrics["rejected"] == {"leaked_prompt": 1, "function": 1, "duplicate": 1}
    refused = rejected.filter(pl.col("check") == "duplicate")["plan_id"].to_list()
    assert refused == ["heuristic-1"]  # the scarcer route's is kept
    assert metrics["js_bits"] == 0 and metrics["shortfalls"] == []
    assert metrics["routes"]["text"]["candidates"] == 16
    assert sum(r["share"] for r in metrics["routes"].values()) == pytest.approx(1)
    items = [set(side["asset_ids"].explode()) for side in (train, held)]
    assert held.height and not items[0] & items[1]
    for sample in pl.concat([train, held]).iter_rows(named=True):
        user, said = json.loads(sample["messages"])
        (call,) = calls_of(said)
        assert call.arguments["extracted_prompt"].split()[-1].lower() in user["content"].lower()
        shown = catalogue.from_tools(json.loads(sample["tools"]))
        assert not catalogue.problems(call, shown) and list(shown) == list(creative.catalogue)


def test_same_input_same_bytes(workplace: Path) -> None:
    outputs = ["data/dataset/train.parquet", "data/dataset/validation.parquet",
               "data/dataset/train.jsonl", "data/rejected/rejected.parquet",
               "data/rejected/surplus.parquet", "metrics/validate.json"]  # fmt: skip
    validate.main()
    first = [Path(name).read_bytes() for name in outputs]
    validate.main()
    assert [Path(name).read_bytes() for name in outputs] == first


def test_metrics_prove_the_dataset(workplace: Path) -> None:
    validate.main()
    metrics = results()[-1]
    assert metrics["recipe"] == "router"
    # Half are "find photos of a X" (5 words, the class second), half "X by the river, pictures".
    words = metrics["words"]["Search"]
    assert words["median"] == words["mean"] == 5 and metrics["words"]["Generate"] is None
    assert words["ks"] > 0.4 and words["target_mean"] == pytest.approx(5.2525, abs=1e-3)
    places = metrics["class_place"]
    assert places["share_without"] == places["share_worded_without"] == 0
    assert places["target_share_naming"] == 0.9
    assert metrics["near_duplicate_share"] == 0
    assert metrics["near_duplicates_left"] <= 0.01
    assert 0 < metrics["self_bleu"] < 1
    assert set(metrics["golden_overlap"]) == {"longest", "rows"}
    assert metrics["label_agreement"]["labels"] > 0
    assert 0 <= metrics["label_agreement"]["share"] <= 1
    by_route = metrics["by_route"]
    assert sum(route["rows"] for route in by_route.values()) == 20
    assert by_route["heuristic"]["class_place"]["mean"] == 0.3
    assert by_route["text"]["class_place"]["mean"] > 0.8
    assert set(by_route["text"]) == {"rows", "sample", "distinct_1", "distinct_2", "distinct_3",
                                     "self_bleu", "words_median", "class_place"}  # fmt: skip


def test_plots_have_their_columns(workplace: Path) -> None:
    validate.main()
    lengths = ["words", "rows", "accepted", "target"]
    columns = {
        "strata": ["scenario", "function", "content_type", "locale", "band", "target", "accepted",
                   "rows"],
        "dimensions/content_type": ["function", "value", "target", "accepted", "rows"],
        "words/Search": lengths,
        "words/Generate": lengths,
        "class_place": ["place", "accepted", "target", "uniform"],
        "golden_runs": ["run", "rows"],
        "routes": ["route", "candidates", "passed", "acceptance", "selected"],
        "templates": ["route", "template_id", "candidates", "passed", "acceptance", "selected"],
    }  # fmt: skip
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
    assert len(shown["data"]) == len(ours)
    for title, drawn in shown["data"].items():
        assert len(drawn) == 1 and drawn[0]["content"]["data"]["values"], title


def few(creative: Pack, number: int = 4) -> tuple[list[Plan], dict[str, list[dict[str, Any]]]]:
    """A few plans with their candidates."""
    plans = [planned(i) for i in range(number)]
    made = [
        candidate(one, f"find photos of a {animal}", creative)
        for one, animal in zip(plans, ANIMALS, strict=False)
    ]
    return plans, {"heuristic": made}


def test_a_shortfall_is_told(
    workplace: Path, creative: Pack, capsys: pytest.CaptureFixture[str]
) -> None:
    plans, made = few(creative)
    wanted: list[Wanted] = [("Photo", (1, 10), {"heuristic": 2}),
                            ("Photo", (11, 20), {"heuristic": 3})]  # fmt: skip
    write(creative, plans, made, wanted)
    validate.main()
    metrics = results()[-1]
    # What the longer band lacks came from the shorter one, as far as there was some.
    assert metrics["rows"] == 4 and metrics["wanted"] == 5
    assert [(s["band"], s["quota"], s["lacking"]) for s in metrics["shortfalls"]] == [
        ("11-20", 3, 3)
    ]
    told = capsys.readouterr().out
    assert "11-20" in told and "short: the dataset lacks 1 of 5 rows (20.0%)" in told


def test_too_few_rows_are_an_error_that_says_why(workplace: Path) -> None:
    """A dataset of a handful in place of thousands is not cached as if it were one."""
    routed = files.read_json("data/routed/strata.json")
    routed["strata"][0] |= {"quota": 100, "routes": {"heuristic": 50, "text": 50}}
    files.write_json("data/routed/strata.json", routed)
    with pytest.raises(InputError) as error:
        validate.main()
    told = str(error.value)
    assert told.startswith("only 29 of 100 wanted rows") and "validate.min_rows_share" in told
    assert "1 leaked prompt" in told and "route.reserve" in told and "{" not in told
    assert not Path("data/dataset").exists()
    text = Path("params.yaml").read_text("utf-8")
    Path("params.yaml").write_text(text.replace("min_rows_share: 0.5", "min_rows_share: 0.29"))
    validate.main()
    assert results()[-1]["rows"] == 29


def test_what_the_engine_did_not_answer_is_no_candidate(workplace: Path, creative: Pack) -> None:
    plans, made = few(creative, 3)
    made["heuristic"][2] |= {"query": "", "check": "engine", "reason": "too long", "place": None}
    write(creative, plans, made, [("Photo", (1, 10), {"heuristic": 2})])
    validate.main()
    metrics = results()[-1]
    assert (metrics["candidates"], metrics["failed"], metrics["rejected"]) == (2, 1, {})
    assert metrics["routes"]["heuristic"]["acceptance"] == 1


def own_golden(workplace: Path, text: str) -> None:
    """A pack with a golden file of its own."""
    pack = workplace / "pack"
    pack.mkdir()
    for name in ("catalogue.json", "pack.yaml"):
        shutil.copy(PACK / name, pack)
    shutil.copytree(PACK / "vocabularies", pack / "vocabularies")
    (pack / "golden.jsonl").write_text(text, "utf-8")
    params(workplace, lambda value: value.update(pack="pack"))


def test_a_bad_golden_file_is_told_before_anything_is_made(workplace: Path) -> None:
    own_golden(workplace, '{"query": ["find"]}\n')
    with pytest.raises(InputError, match=r"golden\.jsonl, line 1: `query` is \['find'\]"):
        validate.main()
    assert not Path("data/dataset").exists()


def test_a_golden_query_in_another_form_is_dropped(workplace: Path, creative: Pack) -> None:
    row = {"query": "cafe\u0301 by the river", "function": "Search", "content_type": "Photo",
           "extracted_prompt": "cafe\u0301"}  # fmt: skip
    own_golden(workplace, "\ufeff" + json.dumps(row))
    plans = [planned(0), planned(0, "text", kind="Any")]
    made = {"heuristic": [candidate(plans[0], "café by the river photo", creative)],
            "text": [candidate(plans[1], "Café by the river", creative)]}  # fmt: skip
    wanted: list[Wanted] = [("Photo", (1, 10), {"heuristic": 1}), ("Any", (1, 10), {"text": 1})]
    write(creative, plans, made, wanted)
    validate.main()
    rejected = results()[2]
    assert rejected.select("plan_id", "check").rows() == [("text-0", "contamination")]


def test_nothing_passed_is_an_error(workplace: Path, creative: Pack) -> None:
    made = {"heuristic": [candidate(planned(0), "create a photo", creative)]}
    write(creative, [planned(0)], made, [("Photo", (1, 10), {"heuristic": 2})])
    with pytest.raises(InputError, match=r"none of 2 wanted rows .*: 1 function "):
        validate.main()


def test_a_candidate_without_plan_is_an_error(workplace: Path, creative: Pack) -> None:
    plans, made = few(creative, 2)
    write(creative, plans[:1], made, [("Photo", (1, 10), {"heuristic": 1})])
    with pytest.raises(InputError, match="'heuristic-1'"):
        validate.main()


def test_a_missing_table_is_an_error(workplace: Path) -> None:
    Path("data/generated/vision.parquet").unlink()
    with pytest.raises(InputError, match=r"vision\.parquet is missing"):
        validate.main()


def table(*rows: tuple[str, str]) -> pl.DataFrame:
    """Candidates that were accepted. rows: a query and what it means."""
    return pl.DataFrame(
        [(query, meant, None, None) for query, meant in rows],
        schema={"query": pl.String, "meant": pl.String, "check": pl.String, "reason": pl.String},
        orient="row",
    )


def test_near_duplicates_name_what_they_repeat() -> None:
    first, second = (
        "find photos of otters in a river bend",
        "find photos of otters in a river bends",
    )
    frame = dialogues.refused(table((first, "a"), (second, "a")), Runs([]), 0.8, 0)
    assert frame["check"].to_list() == [None, "near_duplicate"]
    assert "otters in a river bend'" in frame["reason"][1]
    # Two that differ in what they mean both teach something.
    other = dialogues.refused(table((first, "a"), (second, "b")), Runs([]), 0.8, 0)
    assert other["check"].to_list() == [None, None]
    same = dialogues.refused(table((first, "a"), (first, "b")), Runs([]), 0.8, 0)
    assert same["check"].to_list() == [None, "duplicate"]


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
    golden = Runs(["red panda", "Draw me a very tall ship, at night", ""])
    reason = contamination.reasons(columns.normalize(pl.Series([query])), golden).item()
    assert (reason is None) if told is None else told in reason
