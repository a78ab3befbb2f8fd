"""Calls whose values come from content items and from the graph."""

from __future__ import annotations

import csv
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core import pack as packs
from stages.core import settings
from stages.core.command import InputError
from stages.core.plan import Plan, from_json, to_json
from stages.core.sources import Source
from stages.ingest.look import with_sources
from stages.planning.calls import agrees, key_of, partners
from stages.planning.pack_checks import pack_notes, pack_problems
from stages.planning.plans import Settings, plans
from stages.planning.rows import governor, rows_of, together
from stages.planning.sources import Item
from tests.builders import KITCHEN
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB's temporary files go into the test's own folder."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


def filled(folder: Path) -> packs.Pack:
    """A pack with what its sources give."""
    return with_sources(packs.load(folder), settings.load(ROOT / "params.yaml"))[0]


def kitchen(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """A copy of the pack with texts replaced: file, old, new."""
    pack = folder / "kitchen"
    shutil.copytree(KITCHEN, pack)
    for file, old, new in changes:
        text = (pack / file).read_text("utf-8")
        assert old in text
        (pack / file).write_text(text.replace(old, new), "utf-8")
    return pack


def values(plan: Plan) -> dict[str, Any]:
    return {a.slot: a.value for call in plan.calls for a in call.arguments}


def rows(name: str) -> list[dict[str, str]]:
    with (KITCHEN / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_values_of_one_item_agree_and_keep_their_provenance() -> None:
    made = plans(filled(KITCHEN), Settings(300), 1).plans
    dishes = {row["name"]: row for row in rows("assets/dishes.csv")}
    counted: dict[str, int] = defaultdict(int)
    for plan in made:
        said, ids = values(plan), {f"dishes/{row['sku']}": row for row in dishes.values()}
        assert from_json(to_json(plan)) == plan
        if plan.stratum["function"] == "order_dish":
            for slot, column in (("dish", "name"), ("cuisine", "cuisine"), ("price", "price")):
                if slot in said and "dish" in said:
                    (own,) = (ids[one] for one in plan.asset_ids)
                    assert str(said[slot]) in (own[column], f"{own[column]}.0")
                    counted[slot] += 1
            assert bool(plan.asset_ids) == bool({"dish", "price"} & said.keys())
        if plan.stratum["function"] == "compare_dishes" and len(said) == 2:
            assert said["first"] != said["second"]
            assert [ids[one]["name"] for one in plan.asset_ids] == [*said.values()]
            counted["compare"] += 1
    assert min(counted.values()) > 20 and len(counted) == 4


def test_walks_go_on_from_what_the_call_says() -> None:
    made = plans(filled(KITCHEN), Settings(300), 1).plans
    names = {row["node_id"]: row["label"] for row in rows("graph/concepts.csv")}
    links = {(names[r["source"]], names[r["target"]]) for r in rows("graph/relations.csv")}
    both = 0
    for plan in (plan for plan in made if plan.stratum["function"] == "plan_menu"):
        said = values(plan)
        if "dish" in said and "occasion" in said:
            assert (said["occasion"], said["dish"]) in links
        if "dish" in said and "flavors" in said:
            both += 1
            assert all((said["dish"], flavor) in links for flavor in said["flavors"])
        told = [one for v in said.values() for one in (v if isinstance(v, list) else [v])]
        assert sorted(names[one] for one in plan.node_ids) == sorted(set(told))
        assert not plan.asset_ids
    assert both > 20


def test_every_item_is_used_before_one_is_used_twice() -> None:
    made = plans(filled(KITCHEN), Settings(300), 1).plans
    seen: dict[Any, list[str]] = defaultdict(list)
    for plan in made:
        if "dish" in values(plan) and not {"cuisine", "price"} & values(plan).keys():
            seen[plan.stratum["scenario"]].extend(plan.asset_ids)
    assert len(set(seen["single"][:12])) == 12


def test_a_column_may_be_a_dimension(tmp_path: Path) -> None:
    pack = kitchen(
        tmp_path,
        ("pack.yaml", "{vocabulary: cuisine, share: 0.5}", "{asset: dishes.cuisine}"),
        ("pack.yaml", "arguments:", "dimensions: {cuisine: order_dish.cuisine}\narguments:"),
    )
    made = plans(filled(pack), Settings(200), 0).plans
    cuisines = {row["name"]: row["cuisine"] for row in rows("assets/dishes.csv")}
    asked = [plan for plan in made if plan.stratum["cuisine"]]
    assert {plan.stratum["cuisine"] for plan in asked} == set(cuisines.values())
    for plan in asked:
        said = values(plan)
        assert said["cuisine"] == plan.stratum["cuisine"]
        assert "dish" not in said or cuisines[said["dish"]] == said["cuisine"]


def test_a_vocabulary_named_like_the_argument_gives_the_words(tmp_path: Path) -> None:
    words = "dish: {ramen: [noodle soup]}\ncuisine:"
    pack = filled(kitchen(tmp_path, ("vocabularies/en.yaml", "cuisine:", words)))
    said = {
        (a.value, a.surface)
        for plan in plans(pack, Settings(200), 0).plans
        for call in plan.calls
        for a in call.arguments
        if a.name == "dish"
    }
    assert ("ramen", "noodle soup") in said and ("ramen", "ramen") not in said
    assert ("pozole", "pozole") in said


BAD = [
    ("pack.yaml", "dishes.name", "dishes.nam", r"first: assets/dishes\.sql gives no column 'nam'"),
    ("pack.yaml", "dishes.price", "dish.price", r"dish\.sql is missing.*\['dishes'\]"),
    ("pack.yaml", "agrees_with: cuisine", "agrees_with: portions", "'portions', by which it is to"),
    ("pack.yaml", "[calls_for]", "[call_for]", r"plan_menu\.dish: .*no relation is called 'call_f"),
    ("pack.yaml", "start: dish", "start: dsh", r"plan_menu\.flavors: graph\.start: 'dsh'"),
    ("pack.yaml", "[tastes]", "[tastes, tastes]", "nothing is reached from 'dish'"),
    ("pack.yaml", "[tastes]", "tastes", "graph.relations: .*valid list"),
    ("pack.yaml", "dishes.price", "dishes.cuisine", r"price: no value of its source \(asset\)"),
    ("assets/dishes.sql", "name, cuisine", "name AS dish, cuisine", "no column 'name'"),
    ("assets/dishes.sql", "sku AS asset_id", "sku", "lacks the column asset_id"),
    ("assets/dishes.sql", "read_csv", "read_cvs", r"dishes\.sql: .*read_cvs"),
    ("assets/dishes.sql", "sku AS asset_id", "1 AS asset_id", "11 of 12 rows break the contract"),
    ("assets/dishes.sql", "name, cuisine", "name, {'a': 1} AS cuisine", "column cuisine is STRUCT"),
    ("graph/concepts.sql", "label, kind", "label", r"lacks the column.*'kind'"),
    ("graph/relations.csv", "dish/clear_soup,flavor", "dish/soup,flavor", ""),
    ("vocabularies/en.yaml", "mexican: [mexican, tex mex]", "french: [french]", ""),
    ("vocabularies/en.yaml", "{italian: [italian], japanese: [japanese], indian: [indian], mexican:"
     " [mexican, tex mex]}", "{french: [french]}", "12 of 12 entries.*'margherita', have a `cui"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "message"), BAD)
def test_what_check_says(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    """No message: only a note, for data may hold more than a pack speaks of."""
    found, notes = list[str](), list[str]()
    try:
        pack, left_out = with_sources(
            packs.load(kitchen(tmp_path, (file, old, new))), settings.load(ROOT / "params.yaml")
        )
        found, notes = pack_problems(pack), [*pack_notes(pack), *left_out]
    except InputError as error:
        found = [str(error)]
    if message:
        assert any(re.search(message, one) for one in found), found
    else:
        told = ("3 of 12 entries, such as 'enchiladas'", "graph: 1 row(s) are left out: unknown so")
        assert not found and any(one in note for one in told for note in notes)


def test_a_pack_that_was_loaded_without_its_tables_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="were not read"):
        plans(packs.load(KITCHEN), Settings(20), 0)
    with pytest.raises(InputError, match=r"assets\.parquet is missing: run `dvc repro`"):
        packs.load_ingested(KITCHEN, tmp_path)


# --- which arguments come from one item

SLOTS = st.sampled_from(["a", "b", "c", "d", "e.x", "e.y", "f.x", "f.y"])
LEAF = st.tuples(SLOTS, st.sampled_from(["t.n", "t.m", "u.n", ""]),
                 st.none() | st.sampled_from(["a", "b", "x", "y"]))  # fmt: skip


def leaf(slot: str, column: str, agrees_with: str | None) -> Source:
    kind = "asset" if column else "enum"
    return Source("f", tuple(slot.split(".")), kind, column, {}, True, agrees_with=agrees_with)


@given(st.lists(LEAF, unique_by=lambda one: one[0], max_size=8))
def test_rows_and_their_order(given_: list[tuple[str, str, str | None]]) -> None:
    leaves = [leaf(*one) for one in given_]
    found = rows_of(leaves)
    by_slot = {one.slot: one for one in leaves}
    assert set(found) == {one.slot for one in leaves if one.kind == "asset"}
    for slot, number in found.items():
        one, mate = by_slot[slot], by_slot.get(governor(by_slot[slot]) or "")
        others = [by_slot[s] for s, n in found.items() if n == number and s != slot]
        assert all(other.column[0] == one.column[0] for other in others)
        if mate is None or mate.kind != "asset":
            unasked = [o for o in others if governor(o) not in found]
            assert all(other.column != one.column for other in unasked)
    units = together(leaves, found)
    assert sorted(one.slot for unit in units for one in unit) == sorted(by_slot)
    for unit in units:
        assert len({found.get(one.slot, one.slot) for one in unit}) == 1


def test_two_of_a_column_are_two_items() -> None:
    leaves = [leaf("a", "t.n", None), leaf("b", "t.n", None), leaf("c", "t.m", "b"),
              leaf("d", "t.m", None), leaf("e.x", "t.n", None),
              leaf("e.y", "t.m", None)]  # fmt: skip
    assert rows_of(leaves) == {"a": 0, "b": 1, "c": 1, "d": 0, "e.x": 2, "e.y": 2}
    units = [[one.slot for one in unit] for unit in together(leaves[::-1], rows_of(leaves))]
    assert units == [["e.y", "e.x"], ["d", "a"], ["c", "b"]]


HELD = st.sampled_from(["a", "b", 1, 1.0, True, None]) | st.lists(st.sampled_from(["a", 1, "c"]))


@given(st.lists(st.dictionaries(st.just("of"), HELD), max_size=5), HELD)
def test_partners_are_those_with_which_some_entry_agrees(
    attributes: list[dict[str, Any]], value: Any
) -> None:
    items = [Item("x", (), one) for one in attributes]
    found = partners(items, "of")
    expected = any(agrees(item, "of", value) for item in items)
    if not isinstance(value, list):
        assert (found is None or key_of(value) in found) == expected
