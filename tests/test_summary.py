"""The stage `summary`: few flat figures, the tables of the plots."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stages import summary
from stages.core.command import InputError
from tests.builders import TRAVEL
from tests.conftest import ROOT, params

SCORE = {"function_f1": 0.98765432, "argument_f1": 0.7663, "exact_call": 0.58, "cta": 0.913}
VALIDATED = {
    "rows": 2400, "js_bits": 0.0000021,
    "routes": {"heuristic": {"candidates": 100, "passed": 80, "acceptance": 0.8, "share": 0.5},
               "text": {"candidates": 100, "passed": 40, "acceptance": 0.4, "share": 0.5}},
}  # fmt: skip


def test_the_figures_are_flat_few_and_those_of_the_tuned_model() -> None:
    evaluated = {"base": {"cta": 0.1}, "tuned": SCORE | {"errors": {"unreadable": 3, "type": 2}}}
    figures = summary.summary(evaluated, VALIDATED, {"validation_loss": 0.05}, ["cta"])
    assert figures == {
        "F1": 0.988, "CTA": 0.913, "ARGUMENT_F1": 0.766, "EXACT": 0.58, "unreadable": 5,
        "rows": 2400, "acceptance": 0.6, "js_bits": 0.000002, "loss": 0.05,
    }  # fmt: skip
    assert len(figures) <= 12
    # A pack without calls to score has no F1, and a dataset may have no validation loss.
    few = summary.summary({"tuned": {}}, VALIDATED, {"validation_loss": None}, ["cta"])
    assert few == {"rows": 2400, "acceptance": 0.6, "js_bits": 0.000002}


def test_the_twenty_worst_templates_are_those_that_were_tried() -> None:
    table = pl.DataFrame(
        {
            "route": ["text"] * 40,
            "template_id": [f"text/{n}" for n in range(40)],
            "candidates": [5] * 5 + [50] * 35,
            "acceptance": [n / 40 for n in range(40)],
        }
    )
    lowest = summary.worst(table)
    assert lowest["template"].to_list() == [f"text/{n}" for n in range(5, 25)]
    assert summary.worst(table.head(3)).height == 3


def test_a_pattern_that_two_routes_have_is_two_bars() -> None:
    table = pl.DataFrame(
        {
            "route": ["heuristic", "text", "text"],
            "template_id": ["book/1", "book/1", "book/2"],
            "candidates": [20, 20, 20],
            "acceptance": [0.5, 0.25, 0.75],
        }
    )
    names = summary.worst(table)["template"].to_list()
    assert names == ["book/1 (text)", "book/1 (heuristic)", "book/2"]


def test_several_dimensions_are_panels_of_their_own() -> None:
    table = pl.DataFrame({"function": ["f", "f"], "value": [1, 2], "accepted": [0.5, 0.0],
                        "target": [0.5, 0.0], "rows": [1, 0]})  # fmt: skip
    assert summary.shares({"kind": table})["panel"].to_list() == ["f"]
    assert summary.shares({"kind": table, "size": table})["panel"].to_list() == [
        "f, kind",
        "f, size",
    ]


def test_the_validation_loss_stands_at_the_last_step() -> None:
    curve = pl.DataFrame({"step": [10, 20], "loss": [2.0, 1.0], "learning_rate": [0.1, 0.1]})
    assert summary.losses(curve, 24, 0.5).rows() == [(10, 2.0, None), (20, 1.0, None),
                                                     (24, None, 0.5)]  # fmt: skip
    assert summary.losses(curve, 20, 0.5).rows()[-1] == (20, 1.0, 0.5)


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the stages before have run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROUTENATOR_PARAMS", str(tmp_path / "params.yaml"))
    shutil.copy(ROOT / "params.yaml", tmp_path)
    params(tmp_path, lambda value: value.update(pack=str(TRAVEL)))
    shutil.copytree(ROOT / ".dvc" / "plots", ".dvc/plots")
    evaluated: dict[str, Any] = {"tuned": SCORE | {"errors": {}}}
    for name, value in {
        "evaluate": evaluated, "validate": VALIDATED,
        "finetune": {"steps": 24, "validation_loss": 0.5},
    }.items():  # fmt: skip
        Path("metrics").mkdir(exist_ok=True)
        Path(f"metrics/{name}.json").write_text(json.dumps(value))
    for name, text in {
        "finetune/loss": "step,loss,learning_rate\n10,2.5,0.1\n20,1.5,0.1\n",
        "validate/dimensions/kind": "function,value,target,accepted,rows\nf,a,0.6,0.5,5\n",
        "validate/words/f": "words,rows,accepted,target\n1,3,0.3,0.4\n2,7,0.7,0.6\n",
        "validate/words/g": "words,rows,accepted,target\n1,3,1.0,1.0\n",
        "validate/templates": "route,template_id,candidates,passed,acceptance,selected\n"
        "text,text/a,20,10,0.5,5\n",
    }.items():
        path = Path(f"metrics/{name}.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def fields(value: Any) -> set[str]:
    """The columns that a plot template names itself."""
    if isinstance(value, list):
        return set().union(*map(fields, value))
    if not isinstance(value, dict):
        return set()
    named = {value["field"]} if isinstance(value.get("field"), str) else set()
    return named.union(*map(fields, value.values()))


def test_dvc_shows_it_on_a_screen_and_draws_it(workdir: Path) -> None:
    summary.main()
    from tests.test_pipeline import PLOTS

    ours = [plot for plot in PLOTS if "metrics/plots/" in str(plot)]
    assert len(ours) == 4
    for plot in ours:
        (spec,) = plot.values()
        ((path, column),) = spec["x"].items()
        header = {*pl.read_csv(path).columns}
        assert {column, *spec["y"].values()} <= header
        own = ROOT / ".dvc" / "plots" / f"{spec['template']}.json"
        if own.is_file():
            named = {name for name in fields(json.loads(own.read_text())) if "<" not in name}
            assert named - {"rev"} <= header
    dvc = [sys.executable, "-m", "dvc"]
    quiet = {"capture_output": True, "text": True, "check": True,
             "env": os.environ | {"DVC_NO_ANALYTICS": "1"}}  # fmt: skip

    def run_dvc(*command: str) -> str:
        return str(subprocess.run([*dvc, *command], **quiet).stdout)  # type: ignore[call-overload]

    (workdir / ".dvc").rename(workdir / "kept")
    run_dvc("init", "--no-scm", "-q")
    shutil.copytree(workdir / "kept" / "plots", ".dvc/plots")
    config = (ROOT / ".dvc" / "config").read_text("utf-8")
    Path(".dvc/config").write_text(config.replace("[core]", "[core]\n    no_scm = true"))
    Path("dvc.yaml").write_text(json.dumps({"metrics": ["metrics/summary.json"], "plots": ours}))
    # As wide as the pack `creative` makes it.
    value = json.loads(Path("metrics/summary.json").read_text())
    Path("metrics/summary.json").write_text(
        json.dumps(value | {"CTA": 0.913, "SS": 0.97, "loss": 0.0493})
    )
    lines = run_dvc("metrics", "show").splitlines()
    assert len(lines) <= 20 and max(map(len, lines)) <= 120
    assert lines[0].split()[1:6] == ["ARGUMENT_F1", "CTA", "EXACT", "F1", "SS"]
    run_dvc("plots", "show")
    page = Path("dvc_plots/index.html").read_text("utf-8")
    assert page.count("vegaEmbed('#") == 4 and "text/a" in page


def test_what_is_missing_is_told(workdir: Path) -> None:
    Path("metrics/validate/templates.csv").unlink()
    with pytest.raises(InputError, match=r"templates.csv cannot be read .*dvc repro"):
        summary.main()


def test_a_pack_may_have_no_dimensions_and_no_lengths(workdir: Path) -> None:
    for name in ("dimensions", "words"):
        shutil.rmtree(f"metrics/validate/{name}")
    summary.main()
    assert Path("metrics/plots/shares.csv").read_text() == "panel,value,accepted,target\n"
    assert Path("metrics/plots/words.csv").read_text() == "function,words,accepted,target\n"


def test_a_value_may_be_a_text_after_a_hundred_numbers(workdir: Path) -> None:
    values = [*range(200), "other"]
    rows = "".join(f"f,{value},0.005,0.005,1\n" for value in values)
    path = Path("metrics/validate/dimensions/kind.csv")
    path.write_text(f"function,value,target,accepted,rows\n{rows}")
    summary.main()
    shown = pl.read_csv("metrics/plots/shares.csv", infer_schema_length=None)
    assert shown["value"].to_list() == [str(value) for value in values]
