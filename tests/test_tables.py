"""Contracts: the quick look of polars against pandera, on frames that keep them and that do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_
from hypothesis import strategies as st

from stages.core import files, tables
from stages.core.command import InputError
from stages.core.tables import Edges, Items, Plans, Table

ROOT = Path(__file__).parents[1]
CONTRACTS = Table.__subclasses__()
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    pl.String: st.sampled_from(["", "a", "b", "heuristic", "text", "x" * 80, "x" * 81, "é" * 301]),
    pl.Int64: st.sampled_from([-1, 0, 1, 7]),
    pl.Float64: st.sampled_from([-2.0, -1.001, 0.0, 0.5, 1.0, 1.5, float("nan"), float("inf")]),
    pl.Boolean: st.booleans(),
    pl.List(pl.String): st.lists(st.sampled_from(["", "a", None]), max_size=2),
}


def frames(contract: type[Table]) -> st.SearchStrategy[pl.DataFrame]:
    """Frames of the contract's columns; their values may break its rules."""
    row = st.fixed_dictionaries(
        {name: VALUES[dtype] | st.none() for name, dtype in contract.schema().items()}
    )
    made = st.lists(row, max_size=3)
    return made.map(lambda rows: pl.DataFrame(rows, schema=contract.schema()))


def good(contract: type[Table]) -> st.SearchStrategy[pl.DataFrame]:
    """Frames whose columns mostly keep the contract, so that single rules decide."""
    usual: dict[Any, Any] = {pl.String: "heuristic", pl.Int64: 7, pl.Float64: 0.5,
                             pl.Boolean: True, pl.List(pl.String): []}  # fmt: skip
    names = list(contract.schema())

    def one(told: tuple[str, Any]) -> pl.DataFrame:
        row = {name: usual[dtype] for name, dtype in contract.schema().items()}
        return pl.DataFrame([row | dict([told])], schema=contract.schema())

    values = st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), VALUES[contract.schema()[name]] | st.none())
    )
    twice = st.lists(values.map(one), min_size=1, max_size=2)
    return twice.map(pl.concat)


def passes(contract: type[Table], frame: pl.DataFrame) -> bool:
    """Whether pandera alone lets the frame pass."""
    from pandera.errors import SchemaErrors

    try:
        contract.pandera_model().validate(frame, lazy=True)
    except SchemaErrors:
        return False
    return True


@pytest.mark.parametrize("contract", CONTRACTS)
@settings_(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)
@given(data=st.data())
def test_a_frame_passes_if_and_only_if_pandera_lets_it(
    contract: type[Table], data: st.DataObject
) -> None:
    frame = data.draw(good(contract) | frames(contract))
    floats = [n for n, kind in contract.schema().items() if kind == pl.Float64]
    allowed = passes(contract, frame) and all(
        frame[n].drop_nulls().is_finite().all() for n in floats
    )
    assert (contract.objections(frame) is None) == allowed
    assert contract.accepts(frame) == allowed


@pytest.mark.parametrize("contract", CONTRACTS)
def test_pandera_sees_the_same_columns(contract: type[Table]) -> None:
    columns = contract.pandera_model().to_schema().columns
    assert {name: column.dtype.type for name, column in columns.items()} == dict(contract.schema())
    assert contract.objections(tables.empty(contract)) is None


def test_columns_missing_too_many_of_another_type_or_in_another_order_are_told() -> None:
    edges = pl.DataFrame([("a", "b", "near", 0.5)], schema=Edges.schema(), orient="row")
    assert files.check(edges, Edges, "here") is edges
    for wrong in (
        edges.drop("weight"),
        edges.with_columns(more=pl.lit(1)),
        edges.cast({"weight": pl.Float32}),
        edges.select(reversed(edges.columns)),
    ):
        with pytest.raises(InputError, match="here breaks the contract Edges"):
            files.check(wrong, Edges, "here")


def test_the_rows_and_the_rules_that_they_break_are_told() -> None:
    rows = [("a", "b", "near", 0.5), ("a", None, "near", 2.0)]
    cases = Edges.objections(pl.DataFrame(rows, schema=Edges.schema(), orient="row"))
    assert cases is not None
    assert set(cases.select("column", "index").iter_rows()) == {("target", 1), ("weight", 1)}


def test_pandera_is_not_loaded_for_a_frame_that_keeps_its_contract() -> None:
    """It would be a good part of a light stage's start."""
    code = (
        "import sys; from stages.core import files, tables\n"
        "files.check(tables.empty(tables.Plans), tables.Plans, '')\n"
        "print('pandera' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ran.stdout.split() == ["False"], ran.stderr


def test_every_rule_of_a_contract_is_known() -> None:
    told = {rule for c in CONTRACTS for name in c.schema() for rule in vars(c).get(name, {})}
    assert told <= {*tables.RULES, "nullable", "unique"}
    assert {Items, Plans} <= set(CONTRACTS)
