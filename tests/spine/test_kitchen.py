"""The tiny pack `kitchen`, whose values are ingested: from its SQL files to its dataset."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stages import check, ingest_assets, ingest_graph, route, validate
from stages.checks import call as checks
from stages.core import files
from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.conversation import calls_of
from stages.core.plan import from_record
from stages.core.tables import Items, Nodes, Plans, SourceRejects
from tests.builders import KITCHEN, TRAVEL
from tests.conftest import ROOT, params
from tests.spine.runs import dataset, planned, write


def small(value: dict[str, Any]) -> None:
    value["route"].update(rows=120, recipe="heuristic")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which all stages up to `validate` have run."""
    with planned(tmp_path_factory.mktemp("kitchen"), KITCHEN, small) as folder:
        write()
        yield folder


def test_all_that_a_source_gives_is_kept(place: Path) -> None:
    table = files.read_table(place / "data/ingested/assets/assets.parquet", Items)
    assert table["asset_id"].to_list() == [f"dishes/{n}" for n in range(1, 13)]
    assert json.loads(table["columns"][1]) == {
        "asset_id": "2", "name": "carbonara", "cuisine": "italian", "price": 12.5,
        "tags": ["pasta"],
    }  # fmt: skip
    assert json.loads(table["columns"][11])["price"] is None
    nodes = files.read_table(place / "data/ingested/graph/nodes.parquet", Nodes)
    assert nodes.height == 11 and set(nodes["locale"]) == {""}
    figures = json.loads((place / "metrics/ingest_assets.json").read_text())
    assert figures == {"assets": 12, "pictures": 0, "sources": {"dishes": 12}, "rejected": {}}


def test_a_sample_names_the_items_and_concepts_that_it_says(place: Path) -> None:
    table = dataset(place)
    items = files.read_table(place / "data/ingested/assets/assets.parquet", Items)
    columns = {one: json.loads(own) for one, own in items.select("asset_id", "columns").rows()}
    nodes = files.read_table(place / "data/ingested/graph/nodes.parquet", Nodes)
    labels = dict(nodes.select("node_id", "label").iter_rows())
    counted = {"order_dish": 0, "compare_dishes": 0, "plan_menu": 0}
    for row in table.filter(scenario="single").to_dicts():
        query, answer = json.loads(row["messages"])
        (call,) = calls_of(answer)
        counted[call.name] += 1
        own = [columns[one] for one in row["asset_ids"]]
        said = call.arguments
        if call.name == "order_dish":
            (dish,) = own
            assert said["dish"] == dish["name"] and said["dish"] in query["content"].lower()
            assert said.get("price", dish["price"]) == dish["price"]
            assert said.get("cuisine", dish["cuisine"]) == dish["cuisine"]
        elif call.name == "compare_dishes":
            assert [said["first"], said["second"]] == [dish["name"] for dish in own]
        else:
            told = {said["occasion"], *said.get("flavors", ()), *[said.get("dish")]} - {None}
            assert {labels[one] for one in row["node_ids"]} == told and not own
    assert min(counted.values()) > 10
    plans = files.read_table(place / "data/routed/plans.parquet", Plans)
    both = table.join(plans, "plan_id", suffix="_planned")
    assert both["asset_ids"].equals(both["asset_ids_planned"]) and both.height == table.height


def test_no_value_of_another_row_leaks_into_a_query(place: Path) -> None:
    written = pl.read_parquet(place / "data/generated/heuristic.parquet")
    assert not {"said", "leaked"} & set(written["check"].drop_nulls())
    pack = packs.load_ingested(place.name)
    plans = files.read_table("data/routed/plans.parquet", Plans).to_dicts()
    orders = [from_record(one) for one in plans if '"single","function":"order_dish"' in
              one["stratum"]]  # fmt: skip
    plain = next(one for one in orders if {a.name for a in one.calls[0].arguments} == {"dish"})
    dish = plain.calls[0].arguments[0].value
    context = checks.Context(pack, "en")
    assert checks.verdict(f"get me {dish}", plain, context) is None
    for more in (" and vindaloo" if dish != "vindaloo" else " and pozole", " for 15 dollars"):
        refusal = checks.verdict(f"get me {dish}{more}", plain, context)
        assert refusal is not None and refusal.check == "leaked"


def test_the_same_again_is_the_same_bytes(place: Path) -> None:
    names = ("ingested/assets/assets", "ingested/graph/edges", "routed/plans", "dataset/train")
    paths = [place / f"data/{name}.parquet" for name in names]
    before = [path.read_bytes() for path in paths]
    for stage in (ingest_graph, ingest_assets, route, validate):
        stage.main()
    assert [path.read_bytes() for path in paths] == before


def test_a_wrong_column_stops_the_check_and_the_stages(place: Path) -> None:
    path = place / place.name / "pack.yaml"
    text = path.read_text()
    try:
        path.write_text(text.replace("dishes.name", "dishes.nam"))
        for stage in (check, route):
            with pytest.raises(InputError, match=r"dish: assets/dishes\.sql gives no column"):
                stage.main()
    finally:
        path.write_text(text)


def test_rows_that_break_the_contract_are_kept_aside(place: Path) -> None:
    path = place / place.name / "assets" / "dishes.sql"
    text = path.read_text()
    try:
        path.write_text(text.replace("sku AS asset_id", "NULLIF(sku, '3') AS asset_id"))
        params(place, lambda value: value["ingest_assets"].update(max_reject_share=0.1))
        ingest_assets.main()
        table = files.read_table("data/ingested/assets/rejects.parquet", SourceRejects)
        assert table["reason"].to_list() == ["asset_id not_nullable"]
        assert "osso buco" in table["row"][0]
    finally:
        path.write_text(text)
        ingest_assets.main()


def test_a_pack_without_sources_has_empty_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(TRAVEL, tmp_path / "kitchen")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    params(tmp_path, lambda value: value.update(pack="kitchen"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROUTENATOR_PARAMS", str(tmp_path / "params.yaml"))
    ingest_graph.main()
    ingest_assets.main()
    assert files.read_table("data/ingested/assets/assets.parquet", Items).is_empty()
    assert files.read_table("data/ingested/graph/nodes.parquet", Nodes).is_empty()
