"""The tables at the shell: what they show, how long they take, and what they refuse."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from stages import report
from stages.core import files
from stages.core.command import InputError
from stages.core.tables import Refused
from tests.conftest import ROOT
from tests.reporting import tables
from tests.reporting.test_page import HOSTILE, here

# Modules whose import takes longer than a table may.
HEAVY = {"torch", "transformers", "vllm", "pandas", "sklearn", "openai", "pygal", "pandera"}


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return here(tables.write(tmp_path, texts=HOSTILE), monkeypatch)


def shown(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    capsys.readouterr()
    report.main(list(options))
    return capsys.readouterr().out


def test_samples_are_shown_by_stratum(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--samples", "15")
    assert "15 of 40 rows" in text
    assert all(kind in text for kind in tables.KINDS)
    text = shown(capsys, "--samples", "4", "--route", "text", "--function", "Search")
    assert "4 of 20 rows" in text and "heuristic/" not in text


def test_rejects_are_counted_by_check_and_shown(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, "--rejects")
    assert "20 refused" in text
    for check in tables.CHECKS:
        assert f"\n {check} " in text
    text = shown(capsys, "--rejects", "duplicate")
    assert "5 of 5 refused by duplicate" in text and "why it is" in text


def test_golden_errors_are_those_of_the_last_model(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, "--errors")
    assert "2 of 3 golden queries not answered exactly by tuned" in text
    assert 'Search(content_type="Photo")' in text and "“Audio”, not “Photo”" in text


def test_a_plan_is_told_with_its_candidates_and_prompt(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, "--plan", "text-0000000000-000005")
    for part in ("text/search_each_style_tiny", "watercolor", "intent/party_5", "accepted",
                 "You write what people type", "in the dataset", "changed since"):  # fmt: skip
        assert part in text, part
    text = shown(capsys, "--plan", "heuristic-0000000000-000042")
    assert "duplicate: why it is" in text and "template heuristic/search_theme_any" in text


def test_hostile_text_is_no_markup_and_moves_no_cursor(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, "--samples", "40") + shown(capsys, "--errors")
    assert "[red]bold[/red]" in text and "\x1b" not in text and "\u2028" not in text
    frame = pl.read_parquet("data/rejected/rejected.parquet").with_columns(
        check=pl.lit("\x1b[2J[link]"), reason=pl.lit("\x9b2J\rx")
    )
    files.write_table("data/rejected/rejected.parquet", frame, Refused)
    text = shown(capsys, "--rejects")
    assert "[link]" in text and not {"\x1b", "\x9b", "\r"} & set(text)
    with pytest.raises(InputError) as error:
        report.main(["--rejects", "none of these"])
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--samples", "3", "--route", "chat"), "no row has the route 'chat': there are heuristic"),
        (("--samples", "3", "--function", "Find"), "there are Search"),
        (("--rejects", "words"), "there are class, duplicate, length, surplus"),
        (("--plan", "text-1"), "such as text-0000000000-0000"),
        (("--samples", "0"), "give a number from 1"),
        (("--errors", "--route", "text"), "--route goes with --samples"),
        (("--rejects", "length", "--function", "Search"), "--function goes with --samples"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    workdir: Path, options: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError) as error:
        report.main(list(options))
    assert message in str(error.value)


def test_a_missing_table_names_itself(workdir: Path) -> None:
    Path("metrics/evaluate/answers.parquet").unlink()
    with pytest.raises(InputError, match=r"metrics/evaluate/answers\.parquet is missing"):
        report.main(["--errors"])


def test_what_make_repro_ends_with_are_options() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8")
    (line,) = re.findall(r"python -m stages\.report (.*?)\"", recipe)
    examples = re.findall(r"--\w+(?: \w+)?", line)
    assert len(examples) == 4
    for example in examples:
        options = vars(report.arguments(example.split()))
        assert any(value not in (None, False) for value in options.values()), example
    assert str(report.OUT) in recipe


@pytest.mark.parametrize("options", [["--samples", "5"], ["--rejects"], ["--errors"]])
def test_no_table_waits_for_a_large_library(workdir: Path, options: list[str]) -> None:
    script = (
        "import json, resource, sys; from stages import report; "
        f"report.main({options}); "
        "print(json.dumps([resource.getrusage(resource.RUSAGE_SELF).ru_utime, [*sys.modules]]))"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          env={"PYTHONPATH": str(ROOT), "PATH": ""}, check=True)  # fmt: skip
    seconds, modules = json.loads(process.stdout.splitlines()[-1])
    assert not HEAVY & set(modules)
    assert seconds < 3
