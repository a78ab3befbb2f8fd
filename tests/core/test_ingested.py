"""What ingested tables offer an argument: columns of items, walks in the graph."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core import ingested
from stages.core.command import InputError
from stages.core.ingested import Ingested, Offer, of_tables
from stages.core.source_kinds import Graph
from stages.core.tables import Edges, Items, Nodes, empty

LOCALES = ["en"]


def graph(nodes: list[tuple[str, str, str, str]], edges: list[tuple[str, str, str]]) -> Ingested:
    """A graph of (node_id, label, kind, locale) and (source, target, relation)."""
    return Ingested(
        {},
        pl.DataFrame(nodes, Nodes.schema(), orient="row"),
        pl.DataFrame([(*edge, 1.0) for edge in edges], Edges.schema(), orient="row"),
    )


def items(*rows: dict[str, Any], locale: str | None = None) -> Ingested:
    """A source `dishes` of these rows."""
    records = [(f"dishes/{n}", "dishes", locale, None, json.dumps(row))
               for n, row in enumerate(rows)]  # fmt: skip
    table = pl.DataFrame(records, Items.schema(), orient="row")
    return of_tables(table, empty(Nodes), empty(Edges), ["dishes"])


IDS = [f"n{n}" for n in range(6)]
EDGES = st.lists(
    st.tuples(st.sampled_from(IDS), st.sampled_from(IDS), st.sampled_from(["a", "b"])), unique=True
)


@given(EDGES, st.lists(st.sampled_from(["a", "b", "^a", "^b"]), max_size=3))
def test_a_walk_is_what_a_person_would_walk(
    edges: list[tuple[str, str, str]], relations: list[str]
) -> None:
    """From each start by itself, one relation after another."""
    known = graph([(one, f"L{one}", "even" if n % 2 == 0 else "odd", "")
                   for n, one in enumerate(IDS)], edges)  # fmt: skip
    ends: dict[str, set[str]] = {}
    for start in IDS[::2]:
        here = {start}
        for relation in relations:
            name, back = relation.lstrip("^"), relation.startswith("^")
            links = [(t, s) if back else (s, t) for s, t, r in edges if r == name]
            here = {t for s, t in links if s in here}
        for end in here:
            ends.setdefault(end, set()).add(f"L{start}")
    walk = Graph(start="even", relations=relations)
    if not ends:
        with pytest.raises(InputError, match=r"graph\.relations"):
            known.walk(walk, LOCALES, "of")
        return
    found = known.walk(walk, LOCALES, "of")
    assert {offer.node_ids[0]: {*offer.attributes["of"]} for offer in found} == ends
    assert [o.node_ids for o in found] == [(one,) for one in IDS if one in ends]
    assert all(offer.value == f"L{offer.node_ids[0]}" for offer in found)
    bare = known.walk(walk, LOCALES, None)
    assert bare == [Offer(o.value, {}, (), o.node_ids) for o in found]


NODES = [("k/a", "a", "k", "en"), ("k/b", "b", "k", "de"), ("m/c", "c", "m", ""),
         ("m/d", "d", "m", "de")]  # fmt: skip
LINKS = [("k/a", "m/c", "near"), ("k/b", "m/c", "near"), ("k/b", "m/d", "far")]


def test_walks_by_kind_id_and_locale() -> None:
    known = graph(NODES, LINKS)

    def labels(locales: list[str], **walk: Any) -> list[str]:
        return [offer.value for offer in known.walk(Graph(**walk), locales, None)]

    assert labels(["en"], start="k") == ["a"] and labels(["de"], start="k") == ["b"]
    assert labels(["fr"], start="k") == ["a", "b"]
    assert labels(["en"], start="k/a", relations=["near"]) == ["c"]
    assert labels(["de"], start="k", relations=["near", "^near"], kind="k") == ["b"]


@pytest.mark.parametrize(
    ("walk", "told"),
    [
        ({"start": "q"}, r"graph\.start: 'q' is no kind .* kinds \['k', 'm'\]"),
        ({"start": "k", "relations": ["nea"]}, r"no relation is called 'nea'; .*\['far', 'near'\]"),
        ({"start": "k/a", "relations": ["far"]}, "nothing is reached from 'k/a'"),
        ({"start": "k", "relations": ["near"], "kind": "k"}, r"of the kind 'k'; they are of \['m'"),
    ],
)
def test_a_walk_that_the_graph_does_not_have(walk: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        graph(NODES, LINKS).walk(Graph(**walk), LOCALES, None)
    with pytest.raises(InputError, match="has no concepts"):
        Ingested().walk(Graph(**walk), LOCALES, None)


def test_a_walk_over_too_many_ways_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingested, "MAX_PAIRS", 2)
    with pytest.raises(InputError, match="4 ways lead over '\\^near', at most 2"):
        graph(NODES, LINKS).walk(Graph(start="k", relations=["near", "^near"]), LOCALES, "of")


def test_concepts_of_one_name_are_one_value() -> None:
    known = graph([("a", "jaguar", "animal", ""), ("c", "jaguar", "car", ""), ("x", "x", "s", ""),
                   ("y", "y", "s", "")], [("x", "a", "r"), ("y", "c", "r")])  # fmt: skip
    (only,) = known.walk(Graph(start="s", relations=["r"]), LOCALES, "of")
    assert only == Offer("jaguar", {"of": ["x", "y"]}, (), ("a",))


def test_columns_give_a_value_each_row_and_each_item() -> None:
    known = items(
        {"name": "pho", "tags": ["soup", "hot"], "price": 9},
        {"name": None, "tags": [], "price": 1.5},
        {"name": "x" * 501, "tags": None, "price": 2},
        {"name": "!?", "tags": [""], "price": None},
    )

    def column(name: str, whole: bool = False) -> list[tuple[Any, str]]:
        found = known.column("dishes", name, LOCALES, whole, None)
        return [(offer.value, offer.asset_ids[0]) for offer in found]

    assert column("name") == [("pho", "dishes/0")]
    assert column("price") == [(9, "dishes/0"), (1.5, "dishes/1"), (2, "dishes/2")]
    assert column("tags") == [("soup", "dishes/0"), ("hot", "dishes/0")]
    assert column("tags", whole=True) == [(["soup", "hot"], "dishes/0")]
    for name, beside in (("nam", None), ("name", "cuisine")):
        with pytest.raises(InputError, match=r"dishes\.sql gives no column '(nam|cuisine)'"):
            known.column("dishes", name, LOCALES, False, beside)
    assert items({"name": "pho"}, locale="de").column("dishes", "name", LOCALES, False, None)


def test_of_very_many_items_a_part_is_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingested, "MAX_OFFERS", 4)
    known = items(*({"n": n} for n in range(10)))
    numbers = [row.columns["n"] for row in known.rows["dishes"]]
    assert len(numbers) == 4 and numbers == sorted(set(numbers))
    assert known.rows == items(*({"n": n} for n in range(10))).rows
