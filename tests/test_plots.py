"""The page of `dvc plots show`: made by make setup, drawn without a network, never in the way."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from dvc_render.vega_templates import TEMPLATES

from stages.install import environment, plots
from tests.conftest import ROOT
from tests.reporting.browser import CHROMIUM, browser
from tests.test_pipeline import PLOTS, shell

CDN = "cdn.jsdelivr.net"
TABLES = {
    "metrics/plots/loss": "step,training,validation\n10,2.5,\n20,1.5,\n24,,1.2\n",
    "metrics/plots/shares": "panel,value,accepted,target\nf,größer,0.6,0.5\nf,b,0.4,0.5\n",
    "metrics/plots/words": "function,words,accepted,target\nf,1,0.3,0.4\nf,2,0.7,0.6\n",
    "metrics/plots/templates": "template,acceptance\ntext/a,0.5\ntext/b,0.7\n",
    "metrics/validate/class_place": "place,accepted,target,uniform\n0,0.5,0.4,0.5\n1,0.5,0.6,0.5\n",
    "metrics/validate/routes": "route,acceptance\ntext,0.5\nvision,0.7\n",
    "metrics/validate/golden_runs": "run,rows\n1,5\n2,3\n",
    "metrics/evaluate/confusion_function": "expected,predicted\nf,f\nf,g\n",
    "metrics/evaluate/confusion_content_type": "expected,predicted\na,a\na,b\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with the project's plots, its settings for DVC and a few rows."""
    for program in ("git", "dvc"):
        shell(tmp_path, program, "init", "-q")
    shutil.copytree(ROOT / ".dvc" / "plots", tmp_path / ".dvc" / "plots")
    for name in ("config", ".gitignore"):
        shutil.copy(ROOT / ".dvc" / name, tmp_path / ".dvc" / name)
    (tmp_path / "dvc.yaml").write_text(json.dumps({"plots": PLOTS}), "utf-8")
    for name, text in TABLES.items():
        path = tmp_path / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This environment, as make setup leaves one."""
    made = tmp_path_factory.mktemp("venv")
    (made / "bin").mkdir()
    (made / "bin" / "python").symlink_to(sys.executable)
    site = Path(sysconfig.get_path("purelib"))
    link = made / "lib" / site.parent.name / site.name
    link.parent.mkdir(parents=True)
    link.symlink_to(site)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", made)
    (made / ".installed").touch()
    return made


def test_the_page_reads_the_schema_of_every_template() -> None:
    own = [json.loads(path.read_text("utf-8")) for path in (ROOT / ".dvc" / "plots").iterdir()]
    texts = [json.dumps(each.DEFAULT_CONTENT) for each in TEMPLATES] + [*map(json.dumps, own)]
    major = plots.VEGA_LITE.partition(".")[0]
    for text in texts:
        if "$schema" in text:
            assert f"vega-lite/v{major}.json" in text


def shown(folder: Path) -> Path:
    """The page that `dvc plots show` writes."""
    shell(folder, "dvc", "plots", "show")
    return folder / "dvc_plots" / "index.html"


def test_plots_are_drawn_without_a_network(folder: Path, tmp_path_factory: Any) -> None:
    plots.write(folder / ".dvc")
    page = shown(folder)
    assert CDN not in page.read_text("utf-8")
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium brings it")
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        nothing = {"latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        tab.send("Network.emulateNetworkConditions", offline=True, **nothing)
        charts = "document.querySelectorAll('.vega-embed :is(canvas, svg.marks)').length"
        tab.show(page, f"{charts} === {len(PLOTS)}")
        text = tab.run("document.body.innerText")
        for label in ("größer", "text/b", "optimizer step", "validation 1.2", "uniform"):
            assert label in text, label
        assert tab.requests == [page.as_uri()]
        assert not [said for said in tab.said if "exceptionId" in said or "rror" in said]


def test_what_git_has_draws_with_dvcs_own_page(folder: Path) -> None:
    """A clone before make setup."""
    assert CDN in shown(folder).read_text("utf-8")


def test_make_setup_makes_the_page_once_and_anew_with_another_environment(
    folder: Path, venv: Path
) -> None:
    dvc = folder / ".dvc"
    page = dvc / plots.NAME
    environment.plots_page(venv, dvc)
    assert CDN not in shown(folder).read_text("utf-8")
    # Neither file is for Git.
    assert plots.NAME not in shell(folder, "git", "status", "--porcelain", "-uall").stdout

    page.write_text("own", "utf-8")
    environment.plots_page(venv, dvc)
    assert page.read_text("utf-8") == "own"
    (dvc / "config.local").write_text("[plots]\n    html_template = mine.html\n", "utf-8")
    os.utime(page, (0, 0))
    environment.plots_page(venv, dvc)
    assert "vegaEmbed" in page.read_text("utf-8")
    assert "mine.html" in (dvc / "config.local").read_text("utf-8")


def test_an_environment_without_the_scripts_is_left_alone(folder: Path, tmp_path: Path) -> None:
    environment.plots_page(tmp_path / "none", folder / ".dvc")
    assert not list((folder / ".dvc").glob("plots.html*"))


def test_a_page_that_cannot_be_made_is_told(
    venv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.plots_page(venv, tmp_path / "gone")
    told = capsys.readouterr().err
    assert told.startswith("`dvc plots show` will load its scripts from the network: ")
    assert told.count("\n") == 1


def test_a_temporary_experiment_does_without_the_page(folder: Path) -> None:
    """DVC takes config.local along, and not the page that it names."""
    plots.write(folder / ".dvc")
    stage = {"cmd": "cp metrics/validate/routes.csv out", "outs": ["out"]}
    value = {"stages": {"copy": stage}, "plots": PLOTS}
    (folder / "dvc.yaml").write_text(json.dumps(value), "utf-8")
    shell(folder, "git", "add", "-A")
    shell(folder, "git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "all")
    shell(folder, "dvc", "exp", "run", "--temp", "--name", "one")
    assert "one" in shell(folder, "dvc", "exp", "list", "--name-only").stdout
    assert CDN not in shown(folder).read_text("utf-8")
