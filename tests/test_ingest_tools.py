"""`python -m stages.ingest_tools`: what it writes and says; real catalogues; a pack made of one."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from stages import ingest_tools, new
from stages.core import catalogue
from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.files import read_table
from stages.core.tables import ToolOrigins, ToolRejects
from stages.formats import names
from stages.planning.pack_checks import pack_problems
from tests.conftest import ROOT, params, stage, start

# Catalogues of others; they are no part of the product: without them their tests are skipped.
CATALOGUES = ROOT.parent / "shared" / "data" / "catalogues"
SHOP = """
openapi: 3.0.3
info: {title: A small shop}
paths:
  /orders:
    post:
      operationId: orderPlace
      summary: Place an order
      tags: [orders]
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Order'}
  /orders/{number}:
    parameters:
      - {name: number, in: path, required: true, schema: {type: integer, minimum: 1, maximum: 99}}
    delete:
      summary: Cancel an order
      tags: [orders]
      parameters:
        - {name: refund, in: query, schema: {type: boolean, nullable: true}}
        - {name: Authorization, in: header, required: true, schema: {type: string}}
  /reports:
    get: {operationId: report.list, tags: [reports]}
components:
  schemas:
    Order:
      type: object
      required: [drink, cups, amount]
      properties:
        drink: {type: string, enum: [tea, coffee, no], default: cocoa}
        cups: {type: integer, minimum: 1, maximum: 9}
        amount: {type: integer, minimum: 100, maximum: 16777215}
        parent: {$ref: '#/components/schemas/Order'}
"""


def test_what_it_writes_and_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "in", tmp_path / "in" / "out"
    folder.mkdir()
    (folder / "shop.yaml").write_text(SHOP, "utf-8")
    (folder / "cut.json").write_text("[{", "utf-8")
    for _ in range(2):  # a second time its own files are no input
        ingest_tools.main([str(folder), "--out", str(out), "--tag", "orders"])
        assert "4 rows in = 2 functions + 2 rejects" in capsys.readouterr().out
    held = catalogue.load(out / "functions.json")
    assert held.names == ("orderPlace", "delete_orders_number")
    assert held["orderPlace"].properties["drink"]["enum"] == ["tea", "coffee", "no"]
    origins = read_table(out / "functions.parquet", ToolOrigins)
    assert origins["name"].to_list() == list(held) and "default 'cocoa'" in str(origins["changes"])
    rejects = read_table(out / "rejects.parquet", ToolRejects)
    assert rejects["code"].to_list() == ["unreadable", "left_out"]
    with (out / "rejects.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["operation"] for row in rows] == ["", "GET /reports"]
    assert [row["reason"] for row in rows] == rejects["reason"].to_list()


def test_it_fails_only_where_nothing_could_be_read(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text("[{", "utf-8")
    process = start(tmp_path, "stages.ingest_tools", "cut.json", "absent", "--out", "out")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1 and err.startswith("error: no file holds functions")
    assert "Traceback" not in err
    assert pl.read_parquet(tmp_path / "out" / "rejects.parquet").height == 2
    (tmp_path / "f.json").write_text('[{"name": "f", "parameters": {}}]', "utf-8")
    said = stage(tmp_path, "stages.ingest_tools", "cut.json", "f.json", "--out", "out")
    assert "2 files, 1 of them with functions" in said and "2 rows in = 1 functions" in said


def test_a_wrong_number_and_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        ingest_tools.arguments(["a", "--out", "b", "--max", "0"])
    for name in ("a", "b"):
        (tmp_path / name).touch()
    monkeypatch.setattr(ingest_tools.reading, "MAX_FILES", 1)
    with pytest.raises(InputError, match="name a smaller folder"):
        ingest_tools.main([str(tmp_path), "--out", str(tmp_path / "out")])


@pytest.mark.slow
def test_a_specification_becomes_a_pack_that_is_in_order(tmp_path: Path) -> None:
    """ingest_tools, new, check, as data/README.md says."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "prompts", tmp_path / "prompts")
    (tmp_path / "shop").write_text(SHOP, "utf-8")
    stage(tmp_path, "stages.ingest_tools", "shop", "--out", "in", "--path", "/orders*")
    said = stage(tmp_path, "stages.new", "shop", "--from", "in/functions.json")
    assert "no source: orderPlace.parent (optional)" in said and "(required" not in said

    def change(value: dict[str, Any]) -> None:
        value["pack"] = "data/domains/shop"
        value["route"]["recipe"] = "heuristic"

    params(tmp_path, change)
    output = stage(tmp_path, "stages.check", "--examples", "2")
    assert "check: all well" in output
    assert "orderPlace(" in output and "delete_orders_number(" in output


# --- real catalogues


def text_of(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")


def counted(path: Path) -> int | None:
    """The operations of a specification, counted without the code under test, and the paths that
    stand in other files; None for what is none.
    """
    text = text_of(path)
    try:
        value = json.loads(text)
    except ValueError:
        if not re.search(r"^(openapi|swagger):", text, re.MULTILINE):
            return None
        value = YAML(typ="safe").load(text)
    if not isinstance(value, dict) or not {"openapi", "swagger"} & {*value}:
        return None
    methods = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
    return sum(1 if "$ref" in item else len(methods & {*item}) for item in value["paths"].values())


def attributed() -> dict[str, int]:
    """File -> its tools, as the list of the files says."""
    found, text = {}, (CATALOGUES / "ATTRIBUTION.md").read_text("utf-8")
    for name, rest in re.findall(r"^\| (\w[\w.]+) \|(.*)$", text, re.MULTILINE):
        cells = [cell.strip() for cell in rest.split("|")]
        if cells[1].isdigit():
            found[name] = int(cells[1])
    # Of these it says "-", for they are not JSON, and 7, where one more is no function.
    return found | {"derived_trailing_commas.json": 2,
                    "pipecat_food_ordering_no_parameters.json": 6}  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not CATALOGUES.is_dir(), reason="the real catalogues are not here")
def test_real_catalogues_are_read_or_rejected_with_a_reason(tmp_path: Path) -> None:
    """All 72, and each file's functions are a pack that lacks sources alone."""
    files = [path for path in sorted(CATALOGUES.rglob("*.*")) if path.suffix not in (".md", ".txt")]
    assert len(files) >= 72
    began = time.process_time()
    ingest_tools.main([*map(str, files), "--out", str(tmp_path / "out")])
    assert time.process_time() - began < 180
    origins = read_table(tmp_path / "out" / "functions.parquet", ToolOrigins)
    rejects = read_table(tmp_path / "out" / "rejects.parquet", ToolRejects)
    rows = Counter([*origins["file"], *rejects["file"]])
    tools = attributed()
    for path in files:
        number = counted(path)
        assert rows[str(path)] == (tools[path.name] if number is None else number), path
    codes = Counter(rejects["code"])
    assert {*codes} == {"elsewhere", "not_a_function", "duplicate"} and codes["elsewhere"] == 85
    assert all(rejects["reason"].str.len_chars() > 10)
    assert origins.height > 3_700
    held = catalogue.load(tmp_path / "out" / "functions.json")
    assert held.names == tuple(origins["name"])
    names.check(held, "functions.json")
    by_file: dict[str, list[Any]] = {}
    for one, file in zip(held.tools, origins["file"], strict=True):
        by_file.setdefault(file, []).append(one)
    for number, (file, some) in enumerate(by_file.items()):
        (tmp_path / "tools.json").write_text(json.dumps(some), "utf-8")
        folder, _ = new.write(f"p{number}", tmp_path / "tools.json", tmp_path)
        problems = [one for one in pack_problems(packs.load(folder)) if "is required" not in one]
        assert not problems, file
