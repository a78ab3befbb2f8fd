"""Sources: what DuckDB would guess, drop or write, limits, signals, links; see issue 14."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from stages import ingest_assets, ingest_graph
from stages.core import files, links
from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.tables import Edges, Field, Nodes, Table
from stages.ingest import images, sources
from tests.conftest import PACK, ROOT, in_time, params, start

READ = "read_csv(getvariable('pack') || '/graph/t.csv'"
JSON = "read_json(getvariable('pack') || '/graph/t.json'"
HEAD = "id,title,kind\n"
# As issue 14 has it: 40 rows, ids #1 to #10 among them, and a line that is none.
LEGACY = (
    HEAD
    + "#legacy import\n"
    + "".join(f"#{n},t,x\n" for n in range(1, 11))
    + "".join(f"p{n},t,x\n" for n in range(30))
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.delenv("ROUTENATOR_PARAMS", raising=False)
    Path("pack/graph").mkdir(parents=True)


@pytest.fixture
def database() -> Iterator[sources.Database]:
    with sources.Database(Path("pack"), max_seconds=30, block="ingest_graph") as made:
        yield made


def copy_pack(*more: str) -> None:
    """The pack without sources, as far as reading it asks for."""
    for name in ("catalogue.json", "pack.yaml", *more):
        shutil.copy(PACK / name, "pack")
    shutil.copytree(PACK / "vocabularies", "pack/vocabularies")


def read(database: sources.Database, sql: str, text: str | None = None) -> pl.DataFrame:
    name = "json" if "t.json" in sql else "csv"
    if text is not None:
        Path(f"pack/graph/t.{name}").write_text(text, "utf-8", newline="")
    path = Path("pack/graph/t.sql")
    path.write_text(sql, "utf-8")
    return sources.read_sql(path, database.pack, database)


# --- nothing is sniffed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LEGACY, r"t\.csv, line 2: 1 column\(s\), but the first line has 3"),
        ("a preamble\nanother\n" + LEGACY.replace("#legacy import\n", ""), "line 3: 3 column"),
        (LEGACY.replace("#legacy import\n", "") + "q\nr,a,b,c\n", "line 42: 1 column"),
        (HEAD + 'p,"a,b\nq,c,d\n', "line 2: a quote is not closed"),
        ("\n" + HEAD + "p,t,x\n", "begins with a line without text"),
    ],
)
def test_a_ragged_file_is_refused_by_its_line(
    database: sources.Database, text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read(database, f"FROM {READ}, header = true, all_varchar = true)", text)


def test_what_a_reader_does_not_state_is_not_guessed(database: sources.Database) -> None:
    text = LEGACY.replace("#legacy import", "#legacy,,")
    rows = read(database, f"FROM {READ})", text)
    assert rows["id"].to_list()[:3] == ["#legacy", "#1", "#2"] and rows.height == 41
    assert read(database, f"FROM {READ})", "a,b,c\n007,1.50,2024-1-3\n").rows() == [
        ("007", "1.50", "2024-1-3")
    ]
    assert read(database, f"FROM {READ})", "a;b\n1;2\n").columns == ["a;b"]


def test_what_a_reader_states_holds(database: sources.Database) -> None:
    stated = "comment = '#', sep := ';', quote => '''', types = {'n': 'DOUBLE'} -- )\n)  AS t"
    rows = read(database, f"SELECT t.*, 'é)(' AS z FROM {READ}, {stated}", "a;n\n#x\n'b;''c';1.5\n")
    assert rows.rows() == [("b;'c", 1.5, "é)(")]
    two = f"WITH x AS (FROM {READ}, header = false)) SELECT * FROM x UNION ALL FROM {READ})"
    assert read(database, two, "a,b\n1,2\n").rows() == [("a", "b"), ("1", "2"), ("1", "2")]
    with pytest.raises(InputError, match="write header = true or header = false"):
        read(database, f"FROM {READ}, names = ['x', 'y'])")


def test_json_is_looked_at_whole_and_texts_stay(database: sources.Database) -> None:
    lines = '{"n": 1, "d": "2024-1-3"}\n' * 30_000 + '{"n": 1.5, "d": "x"}\n'
    rows = read(database, f"SELECT max(n) AS n, min(d) AS d FROM {JSON})", lines)
    assert rows.rows() == [(1.5, "2024-1-3")]


# --- rows in are rows out and rejects


def test_rows_in_are_rows_out_and_rejects(database: sources.Database) -> None:
    rows = {0: "q", 1: "q,t,1,c", 2: "q,t,much"}
    lines = [rows.get(n % 50, f"p{n},t,{n}") for n in range(30_000)]
    query = f"SELECT id, TRY_CAST(kind AS DOUBLE) AS n FROM {READ}, ignore_errors = true)"
    kept = read(database, query, HEAD + "\n".join(lines) + "\n")
    rejects = pl.concat(database.rejects)
    assert kept.height + rejects.height == 30_000 and rejects.height == 1_800
    assert sources.count_reasons(rejects) == {
        "csv: cast of kind": 600, "csv: missing columns": 600, "csv: too many columns": 600
    }  # fmt: skip
    assert rejects["row"][0] == "t.csv, line 2: q"
    # What a WHERE drops is the user's will, and a file that is read twice has its rejects once.
    database.rejects.clear()
    twice = (
        f"WITH x AS (FROM {READ}, ignore_errors = true)) FROM x WHERE id <> 'p1' UNION ALL FROM x"
    )
    read(database, twice, HEAD + "p1,t,x\nq\n")
    assert sum(part.height for part in database.rejects) == 1


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (f"FROM {READ}, ignore_errors = true, store_rejects = false)", "leave store_rejects out"),
        (f"FROM {READ}, ignore_errors = true, rejects_limit = 3)", "rejects_limit: leave it out"),
        (f"FROM {READ}, ignore_errors = 1)", "ignore_errors: write true or false"),
        (f"FROM {JSON}, ignore_errors = true)", "makes NULL of what it cannot read"),
        ("FROM 'pack/graph/t.csv'", "by its bare name"),
        ("FROM query('SELECT 1')", "calls query, which is none of"),
    ],
)
def test_what_would_lose_rows_untold_is_refused(
    database: sources.Database, sql: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read(database, sql, "{}" if "json" in sql else HEAD)


def test_a_quote_that_swallows_rows_is_no_reject(database: sources.Database) -> None:
    good = "p,t,x\n" * 25_000
    with pytest.raises(InputError, match=r"t\.csv, line 25002: a quote is not closed"):
        read(database, f"FROM {READ}, ignore_errors = true)", HEAD + good + 'q,"t,x\n' + good)


# --- one SELECT


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "holds no SELECT"),
        ("-- a comment\n/* only */;", "holds no SELECT"),
        ("SELECT 1; SELECT 2", "holds 2 statements"),
        ("COPY (SELECT 1) TO 'pack/pack.yaml'", "of the kind COPY"),
        ("ATTACH 'pack/golden.jsonl'", "of the kind ATTACH"),
        ("CALL pragma_version()", "of the kind CALL"),
        ("SET threads = 1", "of the kind SET"),
        ("EXPORT DATABASE 'pack'", "of the kind EXPORT"),
        ("INSTALL httpfs", "of the kind LOAD"),
        ("CREATE TABLE x AS SELECT 1", "of the kind CREATE"),
        ("WITH x AS (INSERT INTO y VALUES (1) RETURNING *) FROM x", "a part that writes"),
        ("SELECT 1 AS a, 2 AS a", "two columns are named a"),
        ("SELECT INTERVAL 1 DAY AS a", r"write CAST\(a AS VARCHAR\)"),
        (f"SELECT {'[' * 900}1{']' * 900} AS a", "nested too deeply"),
        ("SELECT \ud83d".encode("utf-8", "surrogatepass"), "is not UTF-8"),
    ],
)
def test_a_source_is_one_select(database: sources.Database, sql: str | bytes, message: str) -> None:
    Path("pack/pack.yaml").write_text("domain")
    Path("pack/golden.jsonl").write_text("golden")
    path = Path("pack/graph/t.sql")
    path.write_bytes(sql.encode() if isinstance(sql, str) else sql)
    with pytest.raises(InputError, match=message) as error:
        sources.read_sql(path, database.pack, database)
    assert str(error.value).startswith("pack/graph/t.sql")
    found = {file.name: file.read_text() for file in Path("pack").iterdir() if file.is_file()}
    assert found == {"pack.yaml": "domain", "golden.jsonl": "golden"}


@pytest.mark.parametrize(
    "sql",
    ["VALUES (1)", "FROM (VALUES (1))", "WITH a AS (SELECT 1) FROM a", "(SELECT 1);",
     "\ufeff-- first\nSELECT 1 -- last", "SELECT 1 UNION ALL SELECT 2 LIMIT 1"],
)  # fmt: skip
def test_any_select_is_one(database: sources.Database, sql: str) -> None:
    assert read(database, sql).rows() == [(1,)]


# --- limits and signals

ENDLESS = "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t"
CONCEPTS = "SELECT 'n' || range AS node_id, 'x' AS label, 'style' AS kind, 'en' AS locale FROM range(1000000000000)"  # noqa: E501


@pytest.mark.parametrize("sql", [ENDLESS, "SELECT sleep_ms(1000000)"])
def test_a_select_without_end_is_stopped(sql: str) -> None:
    with (
        sources.Database(Path("pack"), max_seconds=1.5, block="ingest_graph") as database,
        pytest.raises(InputError, match=r"not done after 1.5 s: .*ingest_graph\.max_seconds"),
    ):
        read(database, sql)


@pytest.mark.parametrize(
    "sql", ["SELECT repeat('a', 4000000000) AS a", "SELECT range(1000000000) AS a", CONCEPTS]
)
def test_memory_is_limited(sql: str) -> None:
    with (
        sources.Database(Path("pack"), max_memory_gib=0.25, block="ingest_graph") as database,
        pytest.raises(InputError, match=r"ingest_graph\.max_memory_gib"),
    ):
        read(database, sql)


def test_a_crash_of_duckdb_is_one_message(database: sources.Database) -> None:
    database.stop()
    with pytest.raises(InputError, match=r"sudden end \(SIGKILL\)"):
        read(database, "SELECT 1")


def children(process: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "gone"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_stage_in_an_endless_select_obeys_a_signal(number: signal.Signals) -> None:
    copy_pack()
    shutil.copy(ROOT / "params.yaml", ".")
    params(Path(), lambda value: value.update(pack="pack"))
    Path("pack/graph/concepts.sql").write_text(ENDLESS)
    process = start(Path(), "stages.ingest_graph")
    end = time.monotonic() + 300
    while not (found := children(process.pid)) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(number)
    began = time.monotonic()
    _, told = process.communicate(timeout=60)
    assert in_time(began, 5)
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number and "stopped by" in told, told
        # On a machine so busy that the stage had to be killed, the next run tidies up.
        with files.scratch("sql"):
            assert len(list(Path("data/.work").glob("sql-*"))) == 1
    while state(found[0]) not in ("gone", "Z") and time.monotonic() < end:
        time.sleep(0.05)
    assert state(found[0]) in ("gone", "Z")
    assert not list(Path("data").rglob("*.parquet"))


# --- types, lists, numbers


class Described(Table):
    """Rows with a column of each type."""

    asset_id: str = Field(unique=True)
    content_type: str
    title: str
    work_title: str = Field(nullable=True)
    keywords: list[str] = Field()
    topics: list[str] = Field()
    locale: str
    ai_generated: bool
    aspect_ratio: float = Field(nullable=True, gt=0)
    click_through_rate: float = Field(nullable=True, ge=0, le=1)
    image_path: str = Field(nullable=True)


def test_types_are_cast_where_nothing_is_lost(database: sources.Database) -> None:
    asset = (
        "SELECT 7 AS asset_id, 'Photo'::ENUM('Photo') AS content_type, 't' AS title, NULL AS "
        "work_title, ['a', ' ', NULL, '', 'b'] AS keywords, [] AS topics, 'en' AS locale, "
        "true AS ai_generated, 1.5 AS aspect_ratio, 0 AS click_through_rate, NULL AS image_path"
    )
    good, bad = sources.sort_rows(read(database, asset), Described, "x.sql")
    assert bad.is_empty() and good.rows() == [
        ("7", "Photo", "t", None, ["a", "b"], [], "en", True, 1.5, 0.0, None)
    ]
    for wrong, message in {
        "'1.5' AS aspect_ratio": r"is VARCHAR, not DOUBLE: write TRY_CAST\(aspect_ratio AS DOUBLE",
        "1 AS ai_generated": r"ai_generated is INTEGER, not BOOLEAN: write TRY_CAST\(",
        "'a,b' AS keywords": r"is VARCHAR, not VARCHAR\[\]: write string_split\(keywords, ','\)",
        "{'a': 1} AS title": "title is STRUCT",
        "DATE '2024-01-03' AS title": r"title is DATE, not VARCHAR: write TRY_CAST\(title AS VARC",
    }.items():
        frame = read(database, f"SELECT * REPLACE ({wrong}) FROM ({asset})")
        with pytest.raises(InputError, match=f"x.sql: column .*{message}"):
            sources.sort_rows(frame, Described, "x.sql")


def test_numbers_are_finite_and_labels_say_something() -> None:
    rows = [("a", "b", "near", value) for value in (0.5, float("nan"), float("inf"), 2.0)]
    frame = pl.DataFrame(rows, schema=Edges.schema(), orient="row")
    good, bad = sources.sort_rows(frame, Edges, "x.sql")
    assert good["weight"].to_list() == [0.5] and bad.height == 3
    assert bad["reason"].str.contains("weight finite").to_list() == [True, True, False]
    asset = {"asset_id": ["a", "b", "c"], "aspect_ratio": [1.0, float("inf"), float("nan")],
             "content_type": "Photo", "title": "t", "work_title": None, "keywords": [["k"]] * 3,
             "topics": [["k"]] * 3, "locale": "en", "ai_generated": False,
             "click_through_rate": [0.0, 0.1, float("-inf")], "image_path": None}  # fmt: skip
    good, bad = sources.sort_rows(
        pl.DataFrame(asset).select(list(Described.schema())), Described, "x"
    )
    assert good["asset_id"].to_list() == ["a"] and bad.height == 2
    nodes = pl.DataFrame(
        {"node_id": ["a", "b"], "label": ["x", " \t"], "kind": "k", "locale": "en"}
    )
    good, bad = sources.sort_rows(nodes, Nodes, "x.sql")
    assert good.height == 1 and bad["reason"][0].startswith("label str_matches")


# --- links


@pytest.fixture
def tracked() -> Path:
    """A DVC repository whose cache is linked to; pack/assets holds pictures and a table."""
    Path("pack/assets/pics").mkdir(parents=True)
    for name in ("a", "b"):
        Image.new("RGB", (40, 30), "teal" if name == "a" else "red").save(
            f"pack/assets/pics/{name}.png"
        )
    Path("pack/assets/t.csv").write_text("id,pic\np1,a.png\np2,b.png\n")
    copy_pack("golden.jsonl")
    names = ["pack/assets/pics", "pack/assets/t.csv", "pack/catalogue.json", "pack/pack.yaml",
             "pack/vocabularies", "pack/golden.jsonl"]  # fmt: skip
    # In processes of their own: DVC's logger holds on to the stream that an earlier test had.
    for command in (
        ["init", "--no-scm"],
        ["config", "cache.type", "symlink"],
        ["config", "cache.dir", "../shared cache"],
        ["add", *names],
    ):
        subprocess.run(["dvc", *command, "-q"], check=True)
    links._cache_dirs.cache_clear()
    return Path("pack")


def test_links_into_the_repositorys_cache_are_the_packs_own(
    tracked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (tracked / "pack.yaml").is_symlink() and (tracked / "assets/pics/a.png").is_symlink()
    packs.load(tracked)
    Path("pack/assets/t.sql").write_text(
        """SELECT id AS asset_id, 'Photo' AS content_type, 't' AS title, NULL AS work_title,
        ['k'] AS keywords, ['k'] AS topics, 'en' AS locale, false AS ai_generated,
        NULL AS aspect_ratio, NULL AS click_through_rate, 'assets/pics/' || pic AS image_path
        FROM read_csv(getvariable('pack') || '/assets/t.csv')"""
    )
    shutil.copy(ROOT / "params.yaml", ".")
    params(Path(), lambda value: value.update(pack="pack"))
    ingest_assets.main()
    table = pl.read_parquet("data/ingested/assets/assets.parquet")
    assert table["image_path"].to_list() == ["pack/assets/pics/a.png", "pack/assets/pics/b.png"]
    # A temporary experiment runs elsewhere, and DVC_ROOT names the repository.
    elsewhere = Path("elsewhere").absolute()
    shutil.copytree("pack", elsewhere / "pack", symlinks=True)
    monkeypatch.setenv("DVC_ROOT", str(Path.cwd()))
    monkeypatch.chdir(elsewhere)
    assert images.refusal("assets/pics/a.png", Path("pack")) is None


def test_other_links_out_of_the_pack_are_refused(
    tracked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cached = (tracked / "assets/t.csv").resolve()
    secret = cached.parents[3] / "secret.csv"  # in the cache's folder, but no file of a hash
    for outside in (Path("outside.csv"), secret):
        outside.write_text("a\nsecret\n")
        for name in ("graph/t.csv", "graph/t.sql", "pack.yaml"):
            (tracked / name).unlink(missing_ok=True)
            (tracked / name).symlink_to(outside.absolute())
        with pytest.raises(InputError, match=r"pack\.yaml leads out of the pack, .*copy the file"):
            packs.load(tracked)
        with sources.Database(tracked) as database:
            with pytest.raises(InputError, match=r"t\.sql leads out of the pack"):
                sources.read_sql(tracked / "graph/t.sql", tracked, database)
            (tracked / "graph/t.sql").unlink()
            for wanted in (READ, f"read_text('{cached}'", f"read_text('{cached.parent}/*'"):
                if wanted.startswith("read_text") and outside == secret and "*" not in wanted:
                    continue
                if wanted == f"read_text('{cached}'":  # a link of the pack leads there
                    assert read(database, f"SELECT 1 AS a FROM {wanted})").height == 1
                    continue
                with pytest.raises(InputError, match=r"Permission Error.*DVC cache"):
                    read(database, f"FROM {wanted})")


@pytest.mark.parametrize("name", ["population", "validate", "evaluate"])
def test_every_reader_of_the_pack_looks_where_a_link_leads(name: str) -> None:
    copy_pack("population.yaml", "golden.jsonl")
    file = "population.yaml" if name == "population" else "golden.jsonl"
    shutil.move(f"pack/{file}", file)
    Path(f"pack/{file}").symlink_to(Path(file).absolute())
    shutil.copy(ROOT / "params.yaml", ".")
    params(Path(), lambda value: value.update(pack="pack"))
    process = start(Path(), f"stages.{name}")
    _, told = process.communicate(timeout=300)
    assert process.returncode == 1 and f"pack/{file} leads out of the pack" in told, told


def test_the_stages_count_what_duckdb_could_not_read() -> None:
    copy_pack()
    Path("pack/graph/concepts.csv").write_text(
        "node_id,label\n" + "".join(f"n{n},x{n}\n" for n in range(40)) + "#legacy import\n"
    )
    Path("pack/graph/concepts.sql").write_text(
        "SELECT node_id, label, 'style' AS kind, 'en' AS locale FROM "
        "read_csv(getvariable('pack') || '/graph/concepts.csv', ignore_errors = true)"
    )
    shutil.copy(ROOT / "params.yaml", ".")
    params(Path(), lambda value: value.update(pack="pack"))
    ingest_graph.main()
    metrics = json.loads(Path("metrics/ingest_graph.json").read_text())
    assert metrics["nodes"] == 40 and metrics["rejected"] == {"csv: missing columns": 1}
    assert pl.read_parquet("data/ingested/graph/rejects.parquet").height == 1
    params(Path(), lambda value: value["ingest_graph"].update(max_reject_share=0.01))
    with pytest.raises(InputError, match=r"1 of 41 rows .*most often: csv: missing columns"):
        ingest_graph.main()
    assert os.listdir("data/.work") == []
