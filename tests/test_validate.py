"""Stage `validate` on tiny tables made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stages import validate
from stages.checking import rows
from stages.checking.contamination import Golden
from stages.contracts import files
from stages.contracts.chat import answer, parse_call
from stages.contracts.command import InputError
from stages.contracts.domain import Domain
from stages.contracts.tables import Candidates, Rejected, Requests, Samples, empty

ROOT = Path(__file__).parents[1]
ANIMALS = ["otter", "heron", "badger", "walrus", "gecko", "falcon", "beetle", "lobster", "camel",
           "jaguar", "penguin", "magpie", "tortoise", "weasel", "salmon", "sparrow"]  # fmt: skip
WEIGHTS = {"heuristic": 0.5, "text": 0.5, "vision": 0.0}


def request(number: int, route: str = "heuristic", **changes: Any) -> dict[str, Any]:
    row = {
        "request_id": f"{route}-{number}", "route": route, "function": "Search",
        "content_type": "Photo", "band": "1-10", "locale": "en", "min_words": 1, "max_words": 10,
        "rank": number, "quota": 4, "template_id": f"{route}/plain", "slots": "{}",
        "asset_id": f"asset-{number % 5}", "node_ids": [f"n{number}"], "image_path": None,
        "seed": number,
    }  # fmt: skip
    return row | changes


def candidate(request_id: str, query: str, reason: str | None = None) -> dict[str, Any]:
    return {"request_id": request_id, "n": 0, "query": query, "completion": query, "model": "none",
            "prompt_hash": "0", "accepted": reason is None, "reason": reason}  # fmt: skip


def table(contract: Any, made: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(made, schema=empty(contract).schema)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tables that `validate` reads; the pack and the settings are ours."""
    params = (ROOT / "params.yaml").read_text("utf-8")
    pack = ROOT / "data" / "domains" / "creative"
    (tmp_path / "params.yaml").write_text(
        params.replace("pack: data/domains/creative", f"pack: {pack}"), "utf-8"
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
    assert metrics["candidates"] == 32 == 20 + rejected.height
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
               "data/rejected/rejected.parquet", "metrics/validate.json"]  # fmt: skip
    validate.main()
    first = [Path(name).read_bytes() for name in outputs]
    validate.main()
    assert [Path(name).read_bytes() for name in outputs] == first


def test_plots_have_their_columns(workplace: Path) -> None:
    validate.main()
    columns = {
        "content_types": ["function", "content_type", "target", "accepted", "rows"],
        "words": ["function", "words", "rows"],
        "routes": ["route", "candidates", "passed", "acceptance", "selected"],
        "templates": ["route", "template_id", "candidates", "passed", "acceptance", "selected"],
    }
    assert {p.stem for p in Path("metrics/validate").iterdir()} == set(columns)
    for name, expected in columns.items():
        assert pl.read_csv(f"metrics/validate/{name}.csv").columns == expected


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
    assert "11-20" in capsys.readouterr().out


def test_nothing_passed_is_an_error(workplace: Path) -> None:
    made = [candidate("heuristic-0", "create a photo")]
    write([request(0)], {"heuristic": made, "text": [], "vision": []},
          [("Search", "Photo", "1-10", 2)])  # fmt: skip
    with pytest.raises(InputError, match="none of 1 candidates"):
        validate.main()


def test_a_candidate_without_request_is_an_error() -> None:
    with pytest.raises(InputError, match="'ghost'"):
        rows.joined(table(Requests, [request(0)]), table(Candidates, [candidate("ghost", "a")]))


def test_a_missing_table_is_an_error(workplace: Path) -> None:
    Path("data/generated/vision.parquet").unlink()
    with pytest.raises(InputError, match=r"vision\.parquet is missing"):
        validate.main()


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
    reason = golden.reason(query)
    assert (reason is None) if told is None else told in str(reason)
