"""Ingestion: sources, contracts, graph checks, pictures."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stages.contracts.command import InputError
from stages.contracts.tables import Assets, Edges, Nodes, empty
from stages.ingesting import graph, sources


def nodes(*ids: str) -> pl.DataFrame:
    return pl.DataFrame({"node_id": ids, "label": ids, "kind": "style", "locale": "en"})


def edges(*rows: tuple[str, str, str, float | None]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=empty(Edges).schema, orient="row")


def write_source(pack: Path, sql: str, csv: str | None) -> Path:
    (pack / "graph").mkdir(parents=True, exist_ok=True)
    if csv is not None:
        (pack / "graph" / "concepts.csv").write_text(csv, "utf-8")
    path = pack / "graph" / "concepts.sql"
    path.write_text(sql, "utf-8")
    return path


READ = "SELECT * FROM read_csv(getvariable('pack') || '/graph/concepts.csv', all_varchar = true)"


def test_sql_reads_the_packs_file(tmp_path: Path) -> None:
    sql = write_source(tmp_path, READ, "node_id,label,kind,locale\na,A,style,en\n")
    assert sources.read_sql(sql, tmp_path).rows() == [("a", "A", "style", "en")]


@pytest.mark.parametrize(
    ("sql", "csv", "told"),
    [
        (READ, None, "No files found"),
        ("SELEC 1", "a\n1\n", "syntax error"),
        ("SELECT * FROM read_csv('/etc/passwd')", "a\n1\n", "Cannot access file"),
        ("SELECT nothing FROM read_csv(getvariable('pack') || '/graph/concepts.csv')", "a\n1\n",
         "nothing"),
    ],
)  # fmt: skip
def test_bad_source_is_one_error(tmp_path: Path, sql: str, csv: str | None, told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        sources.read_sql(write_source(tmp_path, sql, csv), tmp_path)
    assert "concepts.sql" in str(error.value)


def test_rows_that_break_the_contract_are_kept_aside_with_reasons() -> None:
    table = edges(("a", "b", "near", 0.5), ("a", "b", "near", 2.0), ("a", "c", "near", None))
    good, bad = sources.sort_rows(table, Edges, "x.sql")
    assert good.height == 1
    assert bad["reason"].to_list() == ["weight less_than_or_equal_to(1)", "weight not_nullable"]
    assert good.height + bad.height == table.height


def test_of_rows_with_one_key_the_first_is_kept() -> None:
    table = pl.concat([nodes("a", "b"), nodes("a").with_columns(label=pl.lit("again"))])
    good, bad = sources.sort_rows(table, Nodes, "x.sql")
    assert good["label"].to_list() == ["a", "b"]
    assert bad["reason"].to_list() == ["node_id field_uniqueness"]


def test_missing_column_names_it() -> None:
    with pytest.raises(InputError, match=r"lacks the column.*'kind'"):
        sources.sort_rows(nodes("a").drop("kind"), Nodes, "x.sql")


def test_wrong_column_type_is_an_error() -> None:
    table = empty(Assets).with_columns(pl.lit("x").alias("click_through_rate"))
    with pytest.raises(InputError, match="click_through_rate"):
        sources.sort_rows(table, Assets, "x.sql")


def test_too_many_rejects_stop_the_stage() -> None:
    sources.check_share(1, 100, 0.05, "x")
    with pytest.raises(InputError, match="6 of 100 rows"):
        sources.check_share(6, 100, 0.05, "x")
    with pytest.raises(InputError, match="no usable row"):
        sources.check_share(0, 0, 0.05, "x")


def test_graph_checks() -> None:
    table = edges(
        ("a", "b", "near", 0.5),
        ("a", "x", "near", 0.5),
        ("y", "a", "near", 0.5),
        ("a", "a", "near", 0.5),
        ("a", "b", "near", 0.9),
    )
    good, bad = graph.sort_edges(nodes("a", "b", "c"), table)
    assert good.height == 1
    assert [why for _, why in bad] == [
        "unknown target", "unknown source", "self-loop", "repeated relation"
    ]  # fmt: skip
    told = graph.describe(nodes("a", "b", "c"), good)
    assert told["isolated"] == 1
    assert told["components"] == 2
