"""Review by people: what they are given to read, the page, and what their verdicts do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stages import generate, judge, review, validate
from stages.core import files, verdicts
from stages.core.command import InputError
from stages.core.tables import Doubtful, Judgments, Refused
from stages.reporting import reviewing
from stages.spine import candidates
from tests import fakes
from tests.builders import TRAVEL, make_messages, make_plan, make_tools
from tests.reporting.browser import CHROMIUM, Browser, browser
from tests.reporting.test_page import HOSTILE, tags, unpacked
from tests.spine.runs import dataset, planned
from tests.test_judge import OUTPUTS, ask, by_query, small

PAGE, TABLE = Path("data/review/review.html"), Path("data/review/doubtful.parquet")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a dataset of the pack `travel`."""
    with planned(tmp_path_factory.mktemp("travel"), TRAVEL, small) as folder:
        for route in ("heuristic", "text", "vision"):
            generate.main([route])
        validate.main()
        yield folder


@pytest.fixture
def place(written: Path) -> Iterator[Path]:
    """The same without verdicts, now and afterwards."""
    text = (written / "params.yaml").read_text("utf-8")
    yield written
    (written / "params.yaml").write_text(text, "utf-8")
    pack_verdicts(written).unlink(missing_ok=True)
    Path("data/judged/judgments.parquet").unlink(missing_ok=True)
    validate.main()


def pack_verdicts(place: Path) -> Path:
    return place / place.name / "verdicts.jsonl"


def add(place: Path, *lines: dict[str, Any]) -> None:
    """Add lines to the pack's verdicts."""
    with pack_verdicts(place).open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)


def reviewed() -> pl.DataFrame:
    return files.read_table(TABLE, Doubtful)


# --- what is to be read


def test_without_a_judge_it_is_a_sample_of_the_dataset(place: Path) -> None:
    review.main(["--sample", "3"])
    table = reviewed()
    counts = Counter(table["scenario"])
    have = Counter(dataset(place)["scenario"])
    assert counts == {name: min(n, 3) for name, n in have.items()}
    assert {*table["sample_id"]} <= {*dataset(place)["sample_id"]}
    assert len(unpacked(PAGE.read_text("utf-8"))) == table.height
    first = [TABLE.read_bytes(), PAGE.read_bytes()]
    review.main(["--sample", "3"])
    assert [TABLE.read_bytes(), PAGE.read_bytes()] == first


def test_with_a_judge_it_is_what_the_judge_doubts(place: Path) -> None:
    with fakes.running() as fake:
        fake.behave = by_query
        ask(place, fake.address)
        judge.main()
    judged = files.read_table("data/judged/judgments.parquet", Judgments)
    doubtful = judged.filter(verdict="doubtful").select("plan_id", "n")
    review.main([])
    assert reviewed().select("plan_id", "n").sort("plan_id", "n").rows() == doubtful.rows()


def test_what_has_a_verdict_is_not_asked_again(place: Path) -> None:
    review.main(["--sample", "2"])
    first, second, third = reviewed().head(3).rows(named=True)
    add(place, {"sample_id": first["sample_id"], "digest": first["digest"], "verdict": "unsure"},
        {"sample_id": second["sample_id"], "verdict": "right"},
        {"sample_id": third["sample_id"], "digest": "0" * 16, "verdict": "right"})  # fmt: skip
    review.main(["--sample", "1000"])
    ids = {*reviewed()["sample_id"]}
    assert third["sample_id"] in ids
    assert not {first["sample_id"], second["sample_id"]} & ids


def test_a_number_out_of_bounds_is_refused() -> None:
    with pytest.raises(InputError, match="--sample 0: give a number from 1"):
        review.main(["--sample", "0"])


# --- verdicts


def test_verdicts_are_an_input_of_validate(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = [Path(name).read_bytes() for name in OUTPUTS]
    wrong, right, moot, *_ = dataset(place).sort("sample_id").rows(named=True)
    frame = candidates.accepted().with_columns(
        verdicts=pl.struct("plan_id", "n").map_elements(
            lambda one: verdicts.sample_id(one["plan_id"], one["n"]), pl.String
        )
    )
    digests = {row["verdicts"]: verdicts.digest(row["messages"]) for row in frame.to_dicts()}
    lines = [{"sample_id": row["sample_id"], "digest": digests[row["sample_id"]],
              "verdict": verdict, "note": note}
             for row, verdict, note in ((wrong, "wrong", "it is <b>not</b> so"),
                                        (right, "right", ""), (moot, "unsure", ""))]  # fmt: skip
    add(place, {"sample_id": right["sample_id"], "verdict": "wrong"}, *lines,
        {"sample_id": "f" * 16, "verdict": "wrong"})  # fmt: skip
    validate.main()
    assert "1 right, 1 wrong, 1 unsure, 1 unmatched" in capsys.readouterr().out
    ids = {*dataset(place)["sample_id"]}
    assert wrong["sample_id"] not in ids and right["sample_id"] in ids
    rejected = files.read_table("data/rejected/rejected.parquet", Refused).filter(check="human")
    assert rejected.select("plan_id", "reason").rows() == [
        (wrong["plan_id"], "it is <b>not</b> so")
    ]
    figures = files.read_json("metrics/validate.json")
    assert figures["reviewed"] == {"right": 1, "wrong": 1, "unsure": 1, "unmatched": 1}
    pack_verdicts(place).write_text("\n", "utf-8")
    validate.main()
    assert [Path(name).read_bytes() for name in OUTPUTS] == before


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"sample_id": "x", "verdict": "right"}', "sample_id: String should match"),
        ('{"sample_id": "0123456789abcdef"}', "verdict: Field required"),
        ('{"sample_id": "0123456789abcdef", "verdict": "maybe"}', "verdict: Input should be"),
        ('{"sample_id": "0123456789abcdef", "verdict": "right", "x": 1}', "x: Extra inputs"),
        (
            '{"sample_id": "0123456789abcdef", "verdict": "right", "note": "\\ud800"}',
            "note: .*unicode",
        ),
        ("[1]", "expected a JSON object"),
        ("{", "not valid JSON"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "verdicts.jsonl"
    path.write_text(f'{{"sample_id": "{"0" * 16}", "verdict": "right"}}\n{line}\n', "utf-8")
    with pytest.raises(InputError, match=rf"verdicts\.jsonl:2: .*{told}"):
        verdicts.read(path)


def test_a_note_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    line = {"sample_id": "0" * 16, "verdict": "wrong", "note": "no\x1b[31m\nlines\u202e"}
    path.write_text(json.dumps(line), "utf-8")
    assert verdicts.read(path)["0" * 16].note == "no [31m lines"


# --- the page


def rows() -> list[dict[str, Any]]:
    """Rows of Doubtful with hostile texts."""
    made = []
    for number, text in enumerate([*HOSTILE, "book a hotel"]):
        messages = json.dumps(make_messages(text, make_plan()))
        tools = make_tools(names=["order_taxi", "book_hotel"])
        tools[0]["function"]["description"] = text
        scores = dict.fromkeys(("faithful", "satisfying", "compliant"), 0.5 if number else None)
        made.append({"sample_id": f"{number:016x}", "digest": verdicts.digest(messages),
                     "scenario": text, "route": "heuristic", "today": None, "messages": messages,
                     "tools": json.dumps(tools), **scores})  # fmt: skip
    return made


def test_no_text_of_a_row_is_markup_of_the_page() -> None:
    text, plain = reviewing.render(HOSTILE[1], rows(), 4), reviewing.render("x", [], 0)
    assert [tag for tag, _ in tags(text)] == [tag for tag, _ in tags(plain)]
    assert not any(name.startswith("on") for _, attrs in tags(text) for name in attrs)
    policy = next(attrs["content"] for tag, attrs in tags(text) if "http-equiv" in attrs)
    assert policy and policy.startswith("default-src 'none'; script-src 'sha256-")
    assert not any({"src", "href"} & attrs.keys() for tag, attrs in tags(text) if tag != "link")
    items = unpacked(text)
    assert items[0]["turns"][0] == ["user", HOSTILE[0]]
    assert items[0]["belongs"].endswith("heuristic") and "faithful 0.50" in items[1]["belongs"]
    assert [tool["name"] for tool in items[0]["tools"]] == ["book_hotel", "order_taxi"]
    assert [tool["called"] for tool in items[0]["tools"]] == [True, False]


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium brings it")
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


def press(tab: Browser, key: str) -> None:
    tab.run(f"document.activeElement.dispatchEvent(new KeyboardEvent('keydown', "
            f"{{key: {json.dumps(key)}, bubbles: true, cancelable: true}}))")  # fmt: skip


def test_it_is_answered_by_keys_and_saved(tab: Browser, tmp_path: Path) -> None:
    page = tmp_path / "review.html"
    page.write_text(reviewing.render("right or wrong?", rows(), 4), "utf-8")
    tab.requests.clear()
    tab.open(page)
    title = tab.run("document.title")
    assert tab.run("document.getElementById('turns').textContent").startswith(f"user{HOSTILE[0]}")
    assert tab.run("document.getElementById('save').disabled")
    press(tab, "n")
    tab.run("{const note = document.getElementById('note'); note.value = 'n 1 \"2\"';"
            "note.dispatchEvent(new Event('input'))}")  # fmt: skip
    press(tab, "1")  # in the note it is a character
    press(tab, "Escape")
    press(tab, "2")
    assert tab.run("document.getElementById('position').textContent") == "2 of 4"
    tab.run("document.querySelector('[data-verdict=right]').click()")
    press(tab, "3")
    press(tab, "ArrowLeft")
    assert tab.run("document.querySelector('[aria-pressed=true]').textContent") == "unsure"
    tab.open(page)  # what was said is there again, and the first without a verdict is shown
    assert tab.run("document.getElementById('position').textContent") == "4 of 4"
    assert tab.run("document.getElementById('done').textContent") == "3 answered"
    # What it would save, in place of the browser's own dialog.
    tab.run("{URL.createObjectURL = (blob) => { globalThis.saved = blob; return 'blob:x'; };"
            "HTMLAnchorElement.prototype.click = function () { globalThis.link = this; };"
            "document.getElementById('save').click()}")  # fmt: skip
    assert tab.run("[link.download, link.href]") == ["verdicts.jsonl", "blob:x"]
    saved = tmp_path / "verdicts.jsonl"
    saved.write_text(tab.run("saved.text()"), "utf-8")
    read = list(verdicts.read(saved).values())
    assert [(one.verdict, one.note) for one in read] == [
        ("wrong", 'n 1 "2"'), ("right", ""), ("unsure", "")
    ]  # fmt: skip
    assert [one.digest for one in read] == [row["digest"] for row in rows()[:3]]
    assert tab.run("document.title") == title and tab.said == []
    assert {*tab.requests} == {page.resolve().as_uri()}
    assert tab.run("document.querySelectorAll('main img, main script').length") == 0


def test_it_fits_a_small_screen(tab: Browser, tmp_path: Path) -> None:
    page = tmp_path / "review.html"
    page.write_text(reviewing.render("right or wrong?", rows(), 4), "utf-8")
    tab.open(page, width=390, height=844)
    assert tab.run("[document.documentElement.scrollWidth, innerWidth]") == [390, 390]
