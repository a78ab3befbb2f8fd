"""Ingestion: sources, contracts, graph checks, pictures."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from stages import ingest_assets
from stages.core import files
from stages.core.command import InputError
from stages.core.tables import Edges, Items, Nodes, empty
from stages.ingest import graph, sources
from stages.ingest.assets import own_columns
from tests.conftest import PACK, ROOT, params


def nodes(*ids: str) -> pl.DataFrame:
    return pl.DataFrame({"node_id": ids, "label": ids, "kind": "style", "locale": "en"})


def edges(*rows: tuple[str, str, str, float | None]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=Edges.schema(), orient="row")


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
    table = empty(Edges).with_columns(pl.lit("x").alias("weight"))
    with pytest.raises(InputError, match="weight"):
        sources.sort_rows(table, Edges, "x.sql")


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
    good, numbers, bad = graph.sort_edges(nodes("a", "b", "c"), table)
    assert good.height == 1
    assert [why for _, why in bad] == [
        "unknown target", "unknown source", "self-loop", "repeated relation"
    ]  # fmt: skip
    told = graph.describe(nodes("a", "b", "c"), good, numbers)
    assert told["isolated"] == 1
    assert told["components"] == 2


def test_batches_are_written_as_one_table(tmp_path: Path) -> None:
    table = pl.concat([edges((f"a{n}", "b", "near", 0.5)) for n in range(50)])
    files.write_table(tmp_path / "whole.parquet", table, Edges)
    files.write_batches(tmp_path / "parts.parquet", table.iter_slices(7), Edges)
    whole, parts = ((tmp_path / f"{name}.parquet").read_bytes() for name in ("whole", "parts"))
    assert whole == parts


def test_an_error_between_batches_is_told_as_it_is_and_leaves_the_earlier_table(
    tmp_path: Path,
) -> None:
    path = tmp_path / "edges.parquet"
    files.write_table(path, edges(("a", "b", "near", 0.5)), Edges)

    def broken() -> Iterator[pl.DataFrame]:
        yield edges(("c", "d", "near", 0.5))
        raise InputError("line 7 is no edge")

    with pytest.raises(InputError, match="line 7 is no edge"):
        files.write_batches(path, broken(), Edges)
    assert pl.read_parquet(path)["source"].to_list() == ["a"]
    assert [file.name for file in tmp_path.iterdir()] == ["edges.parquet"]


def test_a_source_comes_in_batches_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "BATCH", 2048)
    rows = "".join(f"a{n},A,style,en\n" for n in range(10_000))
    sql = write_source(tmp_path, READ, "node_id,label,kind,locale\n" + rows)
    parts = list(sources.batches(sql, tmp_path))
    assert max(part.height for part in parts) <= 2048 and len(parts) > 4
    assert pl.concat(parts)["node_id"].to_list() == [f"a{n}" for n in range(10_000)]


def test_a_key_of_an_earlier_batch_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = tmp_path / "pack"
    (pack / "assets").mkdir(parents=True)
    for name in ("pack.yaml", "assets/photos.sql"):
        shutil.copy(PACK / name, pack / name)
    head, *lines = (PACK / "assets/photos.csv").read_text("utf-8").splitlines(keepends=True)
    # So many that the row which repeats the first one is of another batch.
    monkeypatch.setattr(sources, "BATCH", 2048)
    lines += [f"x{n},{lines[0].partition(',')[2]}" for n in range(2048)]
    (pack / "assets/photos.csv").write_text("".join([head, *lines, lines[0]]), "utf-8")
    # A second source that has the first one's keys: an item's key names its source, too.
    second = (PACK / "assets/photos.sql").read_text("utf-8").rstrip() + " LIMIT 3\n"
    (pack / "assets/second.sql").write_text(second, "utf-8")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    params(tmp_path, lambda value: value.update(pack="pack"))
    monkeypatch.chdir(tmp_path)
    ingest_assets.main()
    kept = pl.read_parquet("data/ingested/assets/assets.parquet")["asset_id"]
    keys = [line.partition(",")[0] for line in lines]
    assert kept.to_list() == [f"photos/{key}" for key in keys] + [f"second/{k}" for k in keys[:3]]
    rejects = pl.read_parquet("data/ingested/assets/rejects.parquet")
    (one,) = rejects.rows()
    assert one == ("assets/photos.sql", f"photos/{keys[0]}", "asset_id field_uniqueness")


def test_own_columns_are_json_in_types_that_users_have_words_for() -> None:
    frame = pl.DataFrame(
        {
            "asset_id": [7, 8], "name": [" soft\u00ad\nsoap ", None], "price": [1.5, float("nan")],
            "cost": [Decimal("2.50"), None], "day": [date(2026, 6, 1), None], "new": [True, False],
            "tags": [["a\tb"], []], "image_path": [None, "x.png"],
        }
    )  # fmt: skip
    made = own_columns(frame, "assets/soaps.sql")
    assert made.schema == Items.schema()
    assert made["asset_id"].to_list() == ["soaps/7", "soaps/8"]
    assert made["image_path"].to_list() == [None, "x.png"] and made["locale"].null_count() == 2
    assert [json.loads(one) for one in made["columns"]] == [
        {"asset_id": 7, "name": "soft soap", "price": 1.5, "cost": 2.5, "day": "2026-06-01",
         "new": True, "tags": ["a b"], "image_path": None},
        {"asset_id": 8, "name": None, "price": None, "cost": None, "day": None, "new": False,
         "tags": [], "image_path": "x.png"},
    ]  # fmt: skip
    good, bad = sources.sort_rows(made, Items, "soaps", is_typed=True)
    assert good.height == 2 and bad.is_empty()
    with pytest.raises(InputError, match=r"soaps\.sql: column at is STRUCT.*CAST\(at AS VARCHAR"):
        own_columns(pl.DataFrame({"asset_id": ["a"], "at": [{"x": 1}]}), "assets/soaps.sql")
    with pytest.raises(InputError, match=r"soaps\.sql lacks the column asset_id.*\['sku'\]"):
        own_columns(pl.DataFrame({"sku": ["a"]}), "assets/soaps.sql")


def test_a_picture_of_the_pack_is_found_from_where_the_stages_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = tmp_path / "pack"
    (pack / "assets").mkdir(parents=True)
    for name in ("pack.yaml", "assets/photos.csv"):
        shutil.copy(PACK / name, pack / name)
    photos = (PACK / "assets/photos.sql").read_text("utf-8").rstrip().rstrip(";")
    own = f"SELECT * REPLACE ('one.png' AS image_path) FROM ({photos}) LIMIT 2"
    (pack / "assets/photos.sql").write_text(own, "utf-8")
    Image.new("RGB", (40, 30), "teal").save(pack / "one.png")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    params(tmp_path, lambda value: value.update(pack="pack"))
    monkeypatch.chdir(tmp_path)
    ingest_assets.main()
    paths = pl.read_parquet("data/ingested/assets/assets.parquet")["image_path"].to_list()
    assert paths == ["pack/one.png"] * 2


def test_a_table_with_a_column_too_many_is_not_written(tmp_path: Path) -> None:
    table = edges(("a", "b", "near", 0.5)).with_columns(literal=pl.lit("x"))
    with pytest.raises(ValueError, match="literal"):
        files.write_batches(tmp_path / "edges.parquet", iter([table]), Edges)


def test_a_circle_is_named() -> None:
    known = nodes("a", "b", "c")
    table = edges(("a", "b", "kind_of", 0.5), ("b", "c", "kind_of", 0.5), ("b", "a", "near", 0.5))
    kept, numbers, _ = graph.sort_edges(known, table)
    graph.check_acyclic(known, kept, numbers, ["kind_of"], "x")
    kept, numbers, _ = graph.sort_edges(
        known, pl.concat([table, edges(("c", "a", "kind_of", 0.5))])
    )
    with pytest.raises(InputError, match="'kind_of' leads in a circle: a -> b -> c -> a"):
        graph.check_acyclic(known, kept, numbers, ["kind_of"], "x")


@pytest.mark.parametrize("name", ["ingest_graph", "ingest_assets", "population", "route",
                                  "validate", "models", "finetune"])  # fmt: skip
def test_help_is_the_docstring_and_other_arguments_are_refused(name: str) -> None:
    def ran(argument: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", f"stages.{name}", argument]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    told = ran("--help")
    doc = importlib.import_module(f"stages.{name}").__doc__
    assert told.returncode == 0 and doc and doc.strip() in told.stdout
    refused = ran("--rows=5")
    assert refused.returncode == 2
    assert refused.stderr.endswith(
        f"python -m stages.{name}: error: unrecognized arguments: --rows=5\n"
    )
