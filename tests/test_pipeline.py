"""The contract of dvc.yaml with the code, and a whole small run with the real engines."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from stages.core.files import read_jsonl
from stages.core.runs import Runs
from stages.core.settings import Settings, read_yaml
from stages.core.tables import Answers, Conversations, Dialogues, Plans
from stages.dataset import columns, contamination

ROOT = Path(__file__).parents[1]
# At least one for each of the 64 strata.
ROWS = 160
GOLDEN = 12
STORE = "data/.work/timings/generate_text.json"
YAML_FILE: Any = read_yaml(ROOT / "dvc.yaml")
STAGES: dict[str, Any] = YAML_FILE["stages"]
PLOTS: list[dict[str, Any]] = YAML_FILE["plots"]


def body(name: str) -> dict[str, Any]:
    return STAGES[name].get("do", STAGES[name])


# --- the contract of dvc.yaml


@pytest.mark.parametrize("name", list(STAGES))
def test_a_stage_is_a_file_with_a_docstring_that_names_its_command(name: str) -> None:
    text = (ROOT / "stages" / f"{name}.py").read_text("utf-8")
    command = body(name)["cmd"].removesuffix(" ${item}")
    assert command == f"python -m stages.{name}"
    assert command in text.split('"""')[1]
    assert body(name)["desc"]


# Modules that a stage imports without depending on what they do: `models` makes the same of the
# same name, whatever reads its parameters.
APART = {"models": ("stages.core", "stages.__init__")}


@pytest.fixture(scope="module")
def imports() -> Any:
    import grimp

    return grimp.build_graph("stages")


@pytest.mark.parametrize("name", list(STAGES))
def test_a_stage_names_the_rooms_and_blocks_that_it_uses(name: str, imports: Any) -> None:
    text = (ROOT / "stages" / f"{name}.py").read_text("utf-8")
    deps = body(name)["deps"]
    assert f"stages/{name}.py" in deps
    for module in sorted(imports.find_upstream_modules(f"stages.{name}")):
        if module == "stages" or module.startswith(APART.get(name, ())):
            continue
        path = module.replace(".", "/")
        if not (ROOT / f"{path}.py").is_file():
            path += "/__init__"
        covered = any(f"{path}.py" == dep or path.startswith(f"{dep}/") for dep in deps)
        # The name of a room alone brings its `__init__.py`, which a file beside it does not need.
        assert covered or path.endswith("/__init__"), f"{name} imports {module}"
    for dep in deps:
        assert not dep.startswith("stages/") or (ROOT / dep).exists(), dep
    params = {param.split(".")[0] for param in body(name).get("params", [])}
    blocks = {name: field.alias or name for name, field in Settings.model_fields.items()}
    # What a stage's own parts in `spine` read.
    for dep in deps:
        text += (ROOT / dep).read_text("utf-8") if dep.startswith("stages/spine/") else ""
    used = {blocks[name] for name in re.findall(r"\bchosen\.(\w+)", text) if name in blocks}
    assert used <= params, f"{name} reads {used - params} of params.yaml without naming it"


def test_params_are_all_documented() -> None:
    text = (ROOT / "params.yaml").read_text("utf-8")
    blocks = {f.alias or n for n, f in Settings.model_fields.items()}
    assert set(read_yaml(ROOT / "params.yaml")) == blocks
    assert text.count("#") > 40
    assert "${" not in text


def test_plots_name_columns_that_the_stages_write() -> None:
    """DVC only warns of a missing file or column, so this is where it is noticed."""
    outs = [str(out) for name in STAGES for out in body(name).get("outs", [])]
    for plot in PLOTS:
        for path in plots_of(plot):
            assert any(path.startswith(out) for out in outs), path


def plots_of(plot: dict[str, Any]) -> dict[str, set[str]]:
    """File or folder -> columns that one entry of `plots` reads."""
    ((title, spec),) = plot.items()
    found: dict[str, set[str]] = {}
    for axis in ("x", "y"):
        value = spec[axis]
        named = value if isinstance(value, dict) else {title: value}
        for path, wanted in named.items():
            found.setdefault(path, set()).update([wanted] if isinstance(wanted, str) else wanted)
    return found


def test_stages_do_not_import_each_other() -> None:
    for file in (ROOT / "stages").glob("*.py"):
        for name in STAGES:
            assert f"stages.{name} " not in file.read_text("utf-8").replace(f"-m stages.{name}", "")


def test_nothing_calls_home() -> None:
    config = (ROOT / ".dvc" / "config").read_text("utf-8")
    assert "analytics = false" in config
    assert "check_update = false" in config


# --- a whole small run


def shell(folder: Path, *command: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "VLLM_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env=inherited | {"PATH": path}, capture_output=True, text=True
    )
    assert not ok or done.returncode == 0, (
        f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    )
    return done


def queries(rows: pl.DataFrame) -> pl.Series:
    """What users say in the rows of Dialogues."""
    said = [json.loads(messages)[0]["content"] for messages in rows["messages"]]
    return pl.Series(said, dtype=pl.String)


def small_copy(folder: Path) -> None:
    """The working tree in `folder`, as a repository of its own, with a very small configuration."""
    listed = shell(ROOT, "git", "ls-files", "-co", "--exclude-standard").stdout.split("\n")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / "dvc.lock").unlink(missing_ok=True)
    yaml = YAML()
    params = yaml.load((folder / "params.yaml").read_text("utf-8"))
    params["route"]["rows"] = ROWS
    params["route"]["weights"]["vision"] = 0.6  # else so small a plan has none
    params["ingest_assets"]["max_pictures"] = 6
    params["generate"]["text"]["batch"] = 24
    params["generate"]["vision"]["batch"] = 8
    params["finetune"]["max_steps"] = 2
    params["finetune"]["per_device_train_batch_size"] = 4
    params["finetune"]["logging_steps"] = 1
    params["evaluate"]["max_tokens"] = 24
    params["evaluate"]["bootstrap_samples"] = 100
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        yaml.dump(params, stream)
    golden = folder / "data/domains/creative/golden.jsonl"
    lines = golden.read_text("utf-8").splitlines(keepends=True)
    golden.write_text("".join(lines[:GOLDEN]), "utf-8")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "small"]):
        shell(folder, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", *command)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    small_copy(folder)
    shell(folder, "dvc", "repro")
    return folder


@pytest.mark.slow
def test_every_table_is_there_and_keeps_its_contract(small: Path) -> None:
    Plans.pandera_model().validate(pl.read_parquet(small / "data/routed/plans.parquet"))
    for route in ("heuristic", "text", "vision"):
        table = Conversations.pandera_model().validate(
            pl.read_parquet(small / f"data/generated/{route}.parquet")
        )
        assert table["check"].null_count() > 0, route
    for part in ("train", "validation"):
        Dialogues.pandera_model().validate(pl.read_parquet(small / f"data/dataset/{part}.parquet"))
    scored = Answers.pandera_model().validate(
        pl.read_parquet(small / "metrics/evaluate/answers.parquet")
    )
    assert scored.height == 2 * GOLDEN
    assert (small / "models/adapter/adapter_model.safetensors").is_file()
    assert 'id="samples"' in (small / "metrics/report/index.html").read_text("utf-8")


@pytest.mark.slow
def test_the_dataset_meets_its_plan(small: Path) -> None:
    parts = [pl.read_parquet(small / f"data/dataset/{p}.parquet") for p in ("train", "validation")]
    rows = pl.concat(parts)
    assert rows.height == ROWS
    assert queries(rows).str.to_lowercase().n_unique() == rows.height
    items = [set(part["asset_ids"].explode().drop_nulls()) for part in parts]
    assert items[0] and not items[0] & items[1]
    metrics = json.loads((small / "metrics/validate.json").read_text())
    assert metrics["rows"] == ROWS
    assert metrics["js_bits"] < 0.05


@pytest.mark.slow
def test_no_golden_query_is_in_the_dataset(small: Path) -> None:
    rows = read_jsonl(small / "data/domains/creative/golden.jsonl")
    golden = Runs(row["query"] for row in rows)
    for part in ("train", "validation"):
        texts = queries(pl.read_parquet(small / f"data/dataset/{part}.parquet"))
        reasons = contamination.reasons(columns.normalize(texts), golden)
        assert texts.filter(reasons.is_not_null()).to_list() == []


@pytest.mark.slow
def test_metrics_and_plots_are_there(small: Path) -> None:
    evaluated = json.loads((small / "metrics/evaluate.json").read_text())
    for model in ("base", "tuned"):
        low, value, high = (evaluated[model][f"function_f1{end}"] for end in ("_low", "", "_high"))
        assert 0 <= low <= value <= high <= 1
    assert {"mcnemar_function_p", "mcnemar_cta_p", "ttest_ss_p"} <= set(evaluated["tests"])
    for plot in PLOTS:
        for path, wanted in plots_of(plot).items():
            tables = [small / path] if path.endswith(".csv") else [*(small / path).glob("*.csv")]
            assert tables, path
            for table in tables:
                header = table.read_text("utf-8").splitlines()[0].split(",")
                assert wanted <= set(header), (table, wanted, header)
    shown = json.loads(shell(small, "dvc", "plots", "show", "--json").stdout)
    assert not shown.get("errors"), shown["errors"]
    for title, drawn in shown["data"].items():
        assert drawn and drawn[0]["content"]["data"]["values"], title
    shell(small, "dvc", "plots", "show", "-o", "report")
    assert (small / "report" / "index.html").is_file()


@pytest.mark.slow
def test_a_run_of_everything_again_gives_the_same_metrics(small: Path) -> None:
    """Byte for byte: `git status` is clean after it."""
    names = sorted((small / "metrics").glob("*.json"))
    before = [name.read_bytes() for name in names]
    for stage in ("generate@heuristic", "validate", "evaluate"):
        shell(small, "dvc", "repro", "-f", "-s", stage)
    assert [name.read_bytes() for name in names] == before
    told = {p.stem for p in (small / "data/.work/timings").glob("*.json")}
    assert told == {"generate_heuristic", "generate_text", "generate_vision", "finetune",
                    "evaluate"}  # fmt: skip


@pytest.mark.slow
def test_a_second_run_has_nothing_to_do(small: Path) -> None:
    assert "up to date" in shell(small, "dvc", "repro").stdout
    assert "up to date" in shell(small, "dvc", "status").stdout


@pytest.mark.slow
def test_an_experiment_uses_the_completions_again(small: Path) -> None:
    """Other weights, other requests in part; what was asked before is not asked again."""
    shell(small, "git", "add", "-A")
    shell(
        small, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "run"
    )
    before = json.loads((small / STORE).read_text())["store"]
    metrics = (small / "metrics/generate_text.json").read_bytes()
    shell(small, "dvc", "repro", "-f", "-s", "generate@text")
    assert (small / "metrics/generate_text.json").read_bytes() == metrics
    after = json.loads((small / STORE).read_text())["store"]
    assert before["misses"] > 0
    assert after == {"hits": before["misses"], "misses": 0}
    plans = small / "data/routed/plans.parquet"
    shell(small, "dvc", "exp", "run", "-n", "more", "-S", "route.weights.text=0.5", "generate@text")
    assert "route.weights.text" in shell(small, "dvc", "exp", "show", "--csv").stdout
    more = json.loads((small / STORE).read_text())["store"]
    # Half of a batch may be asked for that the quotas of the other plan would have spared.
    assert more["hits"] >= 0.9 * before["misses"] and more["misses"] > 0
    planned = pl.read_parquet(plans).filter(route="text").height

    options = ("-n", "queued", "-S", "route.weights.text=0.45")
    shell(small, "dvc", "exp", "run", "--queue", *options, "generate@text")
    # The run writes its timings here when it ends; asking DVC takes seconds of processor time.
    before_it = (small / STORE).stat().st_mtime_ns
    shell(small, "dvc", "queue", "start")
    state, until = "", time.monotonic() + 600
    while (small / STORE).stat().st_mtime_ns == before_it and time.monotonic() < until:
        time.sleep(1)
    until = max(until, time.monotonic() + 60)
    while time.monotonic() < until:
        state = shell(small, "dvc", "queue", "status").stdout
        if "Success" in state or "Failed" in state:
            break
        time.sleep(2)
    assert "Success" in state, shell(small, "dvc", "queue", "logs", "queued", ok=False).stdout
    # A queued run works in a copy, and keeps its timings here, as its completions.
    queued = json.loads((small / STORE).read_text())
    assert queued["store"]["hits"] >= 0.9 * sum(queued["store"].values()) > before["misses"]
    assert pl.read_parquet(plans).filter(route="text").height == planned


@pytest.mark.slow
def test_a_broken_input_stops_the_stage_and_keeps_the_outputs(small: Path) -> None:
    golden = small / "data/domains/creative/golden.jsonl"
    kept = golden.read_text("utf-8")
    golden.write_text(kept.replace('"Search"', '"Find"', 1), "utf-8")
    before = (small / "metrics/evaluate/answers.parquet").read_bytes()
    done = shell(small, "python", "-m", "stages.evaluate", ok=False)
    golden.write_text(kept, "utf-8")
    assert done.returncode == 1
    assert "Find" in done.stderr and "Traceback" not in done.stderr
    assert (small / "metrics/evaluate/answers.parquet").read_bytes() == before
