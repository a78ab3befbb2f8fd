"""The pages of the repository: short, links lead somewhere, commands exist, examples work."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from dvc.cli import DvcParserError
from dvc.cli.parser import get_main_parser

from stages import serve
from stages.checks.call import CHECKS, framed, pictured, texts
from stages.core import catalogue, yaml
from stages.core import pack as packs
from stages.core.settings import Settings
from stages.core.source_kinds import KINDS
from stages.formats import pythonic
from tests.conftest import ROOT, params, stage
from tests.pages import LINK, PAGES, PROGRAMS, SPAN, anchors, block, commands, page

# Words of the README: of all of it, and of its prose.
MOST, MOST_PROSE = 1_900, 1_500
SETTING = re.compile(r"-S '?(\S+?)=([^\s`']+)")


def test_the_readme_is_short() -> None:
    readme = page("README.md")
    assert len(readme.text.split()) <= MOST
    assert len(readme.prose.split()) <= MOST_PROSE


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    one = page(name)
    links = [link for link in LINK.findall(one.text) if "://" not in link]
    for link in links:
        path, _, anchor = link.partition("#")
        target = (one.path.parent / path).resolve() if path else one.path
        assert target.is_relative_to(ROOT) and target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


@pytest.mark.parametrize("name", PAGES)
def test_files_of_the_code_that_are_named_are_there(name: str) -> None:
    files = re.findall(r"(?<![\w./])(?:stages|tests)/[a-z_/]+\.(?:py|yaml|sha256)", page(name).text)
    for file in files:
        assert (ROOT / file).is_file(), file


# --- commands


@functools.cache
def made(*command: str) -> str:
    """What a command that must succeed prints."""
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, f"{command}: {process.stderr[-2000:]}"
    return process.stdout


def check_python(words: list[str]) -> None:
    """`python -m MODULE`: its arguments parse as far as its help, which names all its options."""
    if words[1] != "-m":
        assert (ROOT / words[1]).is_file()
        return
    if words[2].startswith("vllm."):
        check_vllm(words)
        return
    assert words[2].split(".")[0] in ("stages", "tests")
    help_text = made(sys.executable, *words[1:], "--help")
    for option in (word for word in words if word.startswith("--")):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", help_text), f"{words}: no {option}"


def check_make(words: list[str]) -> None:
    """A target of the Makefile, with variables that it reads."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for variable in re.findall(r"(\w+)=", " ".join(words)):
        assert f"$({variable})" in makefile, f"{words}: no {variable}"
    made("make", "-n", *words[1:])


def check_dvc(words: list[str]) -> None:
    """DVC's own parser takes it; stages and parameters are there."""
    options = get_main_parser().parse_args(words[1:])
    stages = yaml.read(ROOT / "dvc.yaml")["stages"]
    for target in getattr(options, "targets", None) or []:
        if options.cmd == "repro" and not target.isupper():
            assert target.partition("@")[0] in stages, target


def check_vllm(words: list[str]) -> None:
    """Options with which code or tests start its server: vLLM's own parser takes ten seconds."""
    code = [path for top in ("stages", "tests") for path in (ROOT / top).rglob("*.py")]
    run = "".join(path.read_text("utf-8") for path in code)
    for option in (word for word in words if word.startswith("--")):
        assert f'"{option}"' in run, f"{words}: nothing has {option}"


def check_shell(words: list[str]) -> None:
    assert words[:2] in (["source", ".venv/bin/activate"], [".", ".venv/bin/activate"],
                         ["cat", "data/.work/timings/*.json"], ["git", "diff"])  # fmt: skip


CHECKERS = dict.fromkeys(PROGRAMS, check_shell) | {
    "python": check_python, "make": check_make, "dvc": check_dvc, "vllm": check_vllm,
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_every_command_is_one(name: str) -> None:
    for words in commands(page(name)):
        CHECKERS[words[0]](words)


@pytest.mark.parametrize(
    "wrong",
    ["make reproduce", "make repro PLATFROM=gpu", "dvc exp show --changed", "dvc repro roote",
     "python -m stages.check --example-s 5", "python -m stages.generate sound",
     "python -m stages.chekc", "vllm serve x --tool-parser pythonic"],
)  # fmt: skip
def test_a_wrong_command_is_found(wrong: str) -> None:
    words = wrong.split()
    with pytest.raises((AssertionError, DvcParserError)):
        CHECKERS[words[0]](words)


@pytest.mark.parametrize("name", PAGES)
def test_settings_that_are_set_are_allowed(name: str) -> None:
    """`-S KEY=VALUE` and, in a span of code, KEY or KEY: VALUE."""
    one, blocks = page(name), yaml.read(ROOT / "params.yaml")
    uses = [(key, [value]) for key, value in SETTING.findall(one.text)]
    for span in SPAN.findall(one.prose):
        match = re.fullmatch(rf"((?:{'|'.join(blocks)})(?:\.\w+)+|pack)(?:: (\S+))?", span)
        if match and not span.endswith((".py", ".json", ".yaml")):
            uses.append((match[1], [match[2]] if match[2] else []))
    for key, values in uses:
        *path, last = key.split(".")
        setting_block: Any = yaml.read(ROOT / "params.yaml")
        whole = setting_block
        for part in path:
            setting_block = setting_block[part]
        assert last in setting_block, f"{key} is no setting"
        for value in values:
            setting_block[last] = yaml.parse(f"value: {value}", name)["value"]
            Settings.model_validate(whole)


# --- what the pages show


def test_the_rows_of_the_readme_are_calls_of_their_packs() -> None:
    rows = re.findall(r"^\| (creative|assistant)[^|]*\| ([^|]+) \| `(.+)` \|$",
                      page("README.md").text, re.MULTILINE)  # fmt: skip
    assert len(rows) == 4
    for name, _, text in rows:
        functions = catalogue.load(ROOT / "data" / "domains" / name / "catalogue.json")
        parsed = pythonic.parse(text, functions)
        assert parsed.calls and not catalogue.problems(parsed.calls[0], functions)


def test_the_scores_of_the_readme_are_those_of_the_metrics() -> None:
    """In the order of the table; each with its interval."""
    folder = ROOT / "metrics" / "packs"
    creative = json.loads((folder / "creative.json").read_text("utf-8"))
    assistant = json.loads((folder / "assistant.json").read_text("utf-8"))
    scores = [(creative, name) for name in ("function_f1", "cta", "ss", "exact_call")]
    scores += [
        (assistant, name)
        for name in ("function_accuracy", "argument_f1", "exact_call", "no_call_accuracy",
                     "missing_argument_accuracy")
    ]  # fmt: skip
    pool = json.loads((folder / "pool.json").read_text("utf-8"))
    worlds = json.loads((folder / "worlds.json").read_text("utf-8"))
    scores += [(pool, "held_out_exact_call"), (worlds, "held_out_single_step_exact")]
    scores += [(pool, "bfcl_non_live_python")]
    text = page("README.md").text.partition("## Scores")[2].partition("## ")[0]
    shown = re.findall(r"\| (\d\.\d+) \[(\d\.\d+), (\d\.\d+)\] \| (?:(\d\.\d+)(: missed)?)?", text)
    assert len(shown) == len(scores)
    for (figures, name), (score, low, high, goal, missed) in zip(scores, shown, strict=True):
        expected = [figures[name], figures[f"{name}_low"], figures[f"{name}_high"]]
        for value, figure in zip(expected, (score, low, high), strict=True):
            assert abs(value - float(figure)) < 0.00055, name
        assert bool(missed) == bool(goal and figures[name] < float(goal)), name


@pytest.mark.slow
def test_the_pack_of_the_readme_works(tmp_path: Path) -> None:
    """tools.json, `stages.new`, the two files, `stages.check --examples`: as it says."""
    readme = page("README.md")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "prompts", tmp_path / "prompts")
    (tmp_path / "tools.json").write_text(block(readme, "json"), "utf-8")
    made_pack = stage(tmp_path, "stages.new", "garden", "--from", "tools.json")
    assert "no source: plant_order.plant" in made_pack
    folder = tmp_path / "data" / "domains" / "garden"
    (folder / "pack.yaml").write_text(block(readme, "yaml", 0), "utf-8")
    (folder / "vocabularies" / "en.yaml").write_text(block(readme, "yaml", 1), "utf-8")

    def change(value: dict[str, Any]) -> None:
        value["pack"] = "data/domains/garden"
        value["route"]["recipe"] = "heuristic"

    params(tmp_path, change)
    output = stage(tmp_path, "stages.check", "--examples", "1")
    assert "check: all well" in output
    assert "plant_order(" in output and "order_cancel()" in output and "asks for plant" in output
    assert "refused" not in output


def test_the_reference_of_packs_is_read(tmp_path: Path) -> None:
    """pack.yaml, vocabularies and population.yaml of data/README.md are one pack that loads."""
    one = page("data/README.md")
    files = ("pack.yaml", "vocabularies/en.yaml", "population.yaml")
    for number, name in enumerate(files):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(block(one, "yaml", number), "utf-8")
    sql = [code.text for code in one.blocks if "SELECT" in code.text]
    for number, name in enumerate(("assets/plants.sql", "graph/concepts.sql")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(sql[number], "utf-8")
    text, amount, list_ = {"type": "string"}, {"type": "number"}, {"type": "array"}
    shapes = {
        "plant_find": {"name": text, "latin_name": text | {"examples": ["Salvia rosmarinus"]},
                       "height_cm": {"type": "integer"}, "soil": text,
                       "sun": {"enum": ["full", "shade"]}},
        "bed_plan": {"date": text | {"format": "date"}, "when": text,
                     "plants": list_ | {"items": text}, "style": text, "main": text},
        "order": {"budget": amount, "note": text, "soil": text, "plant": text, "price": amount},
    }  # fmt: skip
    tools = [{"name": name, "parameters": {"type": "object", "properties": properties}}
             for name, properties in shapes.items()]  # fmt: skip
    (tmp_path / "catalogue.json").write_text(json.dumps(tools), "utf-8")
    assert not packs.load(tmp_path).lacking


def test_the_client_is_that_which_a_test_of_serve_runs() -> None:
    client = textwrap.indent(block(page("README.md"), "python"), "    ")
    assert client in (serve.__doc__ or "")


def test_each_source_and_check_is_explained() -> None:
    section = page("data/README.md").text.partition("## pack.yaml")[2].partition("## vocab")[0]
    for kind in KINDS:
        assert re.search(rf"\{{{kind}: ", section), kind
    section = page("stages/README.md").text.partition("## When few")[2].partition("\n## ")[0]
    codes = {*CHECKS, framed.FUNCTION, framed.CLASS, pictured.NAME, *texts.CHECKS, texts.LEAKED}
    for code in codes - {"texts", "framed", "pictured"}:
        assert re.search(rf"^\|[^|]*\b{code}\b[^|]*\|", section, re.MULTILINE), code


def test_each_stage_is_in_table_and_picture() -> None:
    stages = list(yaml.read(ROOT / "dvc.yaml")["stages"])
    assert len(stages) > 5
    picture = (ROOT / "stages" / "pipeline.svg").read_text("utf-8")
    table = page("stages/README.md").text
    for name in stages:
        assert f">{name}</text>" in picture, name
        assert re.search(rf"^\| {name}(@ROUTE)? \|", table, re.MULTILINE), name
        assert (ROOT / "stages" / f"{name}.py").is_file()
