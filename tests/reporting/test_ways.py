"""The drawing of what feeds what in a world."""

from __future__ import annotations

from xml.etree import ElementTree

import polars as pl

from stages.core.tables import Dependencies
from stages.reporting import ways
from stages.worlds import dependencies
from tests.worlds.world_packs import lending


def _table(**changes: str) -> pl.DataFrame:
    rows = dependencies.rows(dependencies.graph(lending().worlds))
    return pl.DataFrame([row | changes for row in rows], schema=Dependencies.schema())


def test_each_function_has_a_box_and_each_way_a_line() -> None:
    ((name, svg),) = ways.drawings(_table())
    drawn = ElementTree.fromstring(svg)
    boxes = [one.text for one in drawn.iter("text")]
    assert name == "lending"
    assert {*boxes} == {
        "find_books", "list_copies", "show_loans", "borrow_copy", "pay_fines",
    }  # fmt: skip
    assert len([*drawn.iter("path")]) == 4
    assert sum("stroke-dasharray" in one.attrib for one in drawn.iter("path")) == 1
    said = [one.text or "" for one in drawn.iter("title")]
    assert any("book_id as book_id" in one for one in said)
    assert any("The member has unpaid fines." in one for one in said)


def test_names_are_no_markup() -> None:
    svg = ways.drawing(_table(source="<script>", condition="</svg><b>"))
    assert "<script>" not in svg and "<b>" not in svg
    ElementTree.fromstring(svg)


def test_what_comes_later_stands_further_right() -> None:
    drawn = ElementTree.fromstring(ways.drawing(_table()))
    x = {one.text: float(one.attrib["x"]) for one in drawn.iter("text")}
    assert x["find_books"] < x["list_copies"] < x["borrow_copy"]
    assert x["pay_fines"] < x["borrow_copy"]
