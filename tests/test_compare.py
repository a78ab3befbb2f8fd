"""compare: the ablation table by hand, and `make ablation` on a small Git and DVC repository."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy import stats

from stages import compare
from stages.core import tables
from stages.core.command import InputError
from stages.evaluation import comparison
from stages.evaluation.comparison import BEST, REFERENCE, Model
from tests.conftest import ROOT
from tests.test_pipeline import shell

VENV = Path(sys.prefix)
STAGES = ("validate", "evaluate")
RECIPES = ("heuristic", "single_prompt", "router", "router_heuristic")
# What metrics/summary.json of the two packs has.
CREATIVE = {"F1": 0.987, "CTA": 0.913, "SS": 0.97, "ARGUMENT_F1": 0.766, "EXACT": 0.585,
            "unreadable": 5, "rows": 2400, "acceptance": 0.752, "js_bits": 2e-06,
            "loss": 0.0493}  # fmt: skip
ASSISTANT = {"F1": 0.746, "FUNCTION_ACCURACY": 0.756, "NO_CALL_ACCURACY": 0.525,
             "MISSING_ARGUMENT_ACCURACY": 0.302, "rows": 4887}  # fmt: skip


def frame(function: str, types: str, similarity: list[float], model: str = "tuned") -> pl.DataFrame:
    """Answers with a row for each letter: 1 is right, 0 is wrong."""
    right, typed = [a == "1" for a in function], [a == "1" for a in types]
    size = len(right)
    expected = ["Search" if n % 2 else "Generate" for n in range(size)]
    other = {"Search": "Generate", "Generate": "Search"}
    called = [a if ok else other[a] for a, ok in zip(expected, right, strict=True)]
    columns: dict[str, Any] = {
        "golden_id": range(1, size + 1),
        "model": [model] * size,
        "query": [f"query {n}" for n in range(size)],
        "act": ["call"] * size,
        "shown": [2] * size,
        "completion": ["{}"] * size,
        "expected": [json.dumps([{"name": a, "arguments": {"kind": ["x"]}}]) for a in expected],
        "predicted": [json.dumps([{"name": a, "arguments": {}}]) for a in called],
        "error": [None] * size,
        "exact": [a and b for a, b in zip(right, typed, strict=True)],
        "metrics": [
            json.dumps({"cta": float(ok), "ss": value})
            for ok, value in zip(typed, similarity, strict=True)
        ],
    }
    return pl.DataFrame(columns, schema=tables.Answers.schema())


# Six functions more, two types more and one fewer, every second similarity higher by 0.2.
PLAIN = frame("000000111111", "001111111111", [0.5] * 12)
GOOD = frame("111111111111", "110111111111", [0.5, 0.7] * 6)
MIDDLE = frame("111000111111", "111111111111", [0.6] * 12)
SILENT = frame("0" * 12, "0" * 12, [0.0] * 12, "base")


# --- the table by hand


def test_two_models_by_hand() -> None:
    found = comparison.compare([Model("plain", PLAIN, 10), Model("good", GOOD, 20)], "plain")
    assert (found.golden, found.reference, found.best, found.tests) == (12, "plain", "good", 3)
    plain, good = found.rows
    assert (plain.rows, good.rows) == (10, 20)
    assert good.scores["f1"].value == 1 and good.scores["cta"].value == pytest.approx(11 / 12)
    assert good.exact == pytest.approx(11 / 12) and good.no_call == 0

    # The reference is tested against the best and the reverse: one test, counted once.
    assert list(plain.paired) == [BEST] and list(good.paired) == [REFERENCE]
    tests = good.paired[REFERENCE].tests
    ss_p = 2 * stats.t.sf(11**0.5, 11)  # differences 0 and 0.2: t = sqrt(11)
    function, types, ss = tests["function"], tests["cta"], tests["ss"]
    assert (function.p, function.only_here, function.only_there) == (2 / 2**6, 6, 0)
    assert (types.p, types.only_here, types.only_there) == (1.0, 2, 1)
    assert (ss.p, ss.only_here) == (pytest.approx(ss_p), None)
    assert ss.holm == pytest.approx(3 * ss_p)
    assert (function.holm, types.holm) == (2 * 2 / 2**6, 1.0)
    mirrored = plain.paired[BEST].tests["function"]
    assert (mirrored.holm, mirrored.only_here, mirrored.only_there) == (function.holm, 0, 6)


def test_the_family_has_every_pair_once() -> None:
    models = [
        *comparison.bases([("plain", SILENT), ("good", SILENT)]),
        Model("plain", PLAIN),
        Model("middle", MIDDLE),
        Model("good", GOOD),
    ]
    found = comparison.compare(models, "plain")
    # base, middle and good against plain; base and middle against good.
    assert found.tests == 5 * 3
    assert [row.name for row in found.rows] == ["base (untuned)", "plain", "middle", "good"]
    assert [list(row.paired) for row in found.rows] == [
        [REFERENCE, BEST],
        [BEST],
        [REFERENCE, BEST],
        [REFERENCE],
    ]
    for row in found.rows:
        for paired in row.paired.values():
            assert all(test.p <= test.holm <= 1 for test in paired.tests.values())
    # Where the reference is the best there is nothing else to test against.
    assert [list(row.paired) for row in comparison.compare(models, "good").rows] == [
        *[[REFERENCE]] * 3,
        [],
    ]


def test_the_best_is_a_tuned_model_and_ties_go_to_cta() -> None:
    perfect = frame("1" * 12, "1" * 12, [1.0] * 12)
    models = [Model("base", perfect, tuned=False), Model("good", GOOD), Model("plain", PLAIN)]
    assert comparison.compare(models, "plain").best == "good"
    tied = [Model("good", GOOD), Model("perfect", perfect)]
    assert comparison.compare(tied, "good").best == "perfect"


def test_differences_are_paired() -> None:
    """Each model's own interval is wide; where both are right alike, the difference has none."""
    half = frame("10" * 30, "10" * 30, [0.5, 0.7] * 30)
    swapped = frame("01" * 30, "01" * 30, [0.7, 0.5] * 30)
    found = comparison.compare([Model("a", half), Model("b", half), Model("c", swapped)], "a")
    same, other = found.rows[1], found.rows[2].paired[REFERENCE].differences["cta"]
    assert same.scores["cta"].high - same.scores["cta"].low > 0.2
    for estimate in same.paired[REFERENCE].differences.values():
        assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)
    # Rows that one has and the other has not: standard error 1 / sqrt(60).
    assert other.low == pytest.approx(-1.96 / 60**0.5, abs=0.04)
    assert other.high == pytest.approx(1.96 / 60**0.5, abs=0.04)


def test_the_order_of_rows_does_not_matter() -> None:
    shuffled = comparison.compare([Model("a", PLAIN.reverse()), Model("b", GOOD)], "a")
    assert shuffled == comparison.compare([Model("a", PLAIN), Model("b", GOOD)], "a")


def test_bases_that_differ_have_a_row_each() -> None:
    other = PLAIN.with_columns(model=pl.lit("base"))
    found = comparison.bases([("a", SILENT), ("b", SILENT.reverse()), ("c", other)])
    assert [model.name for model in found] == ["base (untuned)", "base of c (untuned)"]
    assert not any(model.tuned for model in found)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (GOOD.head(11), "12 and 11 queries, 11 of them alike"),
        (GOOD.with_columns(expected=pl.lit("[]")), "12 and 12 queries, 0 of them alike"),
        (GOOD.with_columns(query=pl.lit("a new one")), "0 of them alike"),
    ],
)
def test_other_golden_sets_are_refused(changed: pl.DataFrame, told: str) -> None:
    with pytest.raises(InputError, match=rf"'plain' and 'good' .*{told}.*golden\.jsonl"):
        comparison.compare([Model("plain", PLAIN), Model("good", changed)], "plain")


# --- what is shown


def revision(name: str, tuned: pl.DataFrame, **validate: Any) -> compare.Revision:
    return compare.Revision(name, {"base": SILENT, "tuned": tuned}, 2280, validate)


def test_tables_and_csv() -> None:
    varied = {
        "rows": 2400,
        "js_bits": 2e-06,
        "words": {"Search": {"median": 3.0, "q1": 2.0, "q3": 5.0}, "Generate": None},
        "routes": {"text": {"acceptance": 0.6612}},
        "class_place": {"ks_uniform": 0.4964},
        "self_bleu": 0.25,
    }
    revisions = [revision("single_prompt", PLAIN), revision("no|vision", GOOD, **varied)]
    (scores, figures), csv = compare.tables_of(revisions, "single_prompt")
    assert [(row[0], row[7]) for row in scores.rows] == [
        ("base (untuned)", "single_prompt"),
        ("", "no|vision"),
        ("single_prompt", "no|vision"),
        ("no|vision", "single_prompt"),
    ]
    cells = dict(zip(scores.heads, scores.rows[3], strict=True))
    assert cells["trained\non"] == "2280" and cells["against"] == "single_prompt"
    assert cells["F1"].startswith("1.000\n[1.000, ")
    assert cells["function p\nb/c"].endswith("\n6/0")
    assert "the family of 9 tests" in scores.caption and "Best: no|vision" in scores.caption
    shown = {row[0]: row[1:] for row in figures.rows}
    assert shown["self_bleu"] == ["-", "0.25"] and shown["words Search, median"] == ["-", "3"]
    assert shown["words Generate, median"] == ["-", "-"]
    assert shown["acceptance text"] == ["-", "0.6612"]
    assert shown["class place, KS to uniform"] == ["-", "0.4964"]

    lines = scores.markdown().splitlines()
    assert lines[0] == "**12 golden queries**" and lines[2].startswith("| model | trained<br>on |")
    assert len({line.replace("\\|", "").count("|") for line in lines[2:8]}) == 1
    assert "no\\|vision" in lines[7] and "<br>6/0" in lines[7]

    assert csv.height == 3
    last = csv.row(2, named=True)
    assert last["model"] == "no|vision" and last["f1"] == 1 and last["trained_on"] == 2280
    assert last["reference_function_p"] == 2 / 2**6 and last["reference_function_only_here"] == 6
    assert last["reference_f1_difference_low"] <= last["reference_f1_difference"]
    assert last["best"] is None and csv["best"][0] == "no|vision"
    assert csv["self_bleu"].to_list() == [None, None, 0.25]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["main"], "one revision"),
        (["main", "main"], "one revision"),
        (["a", "b", "a"], "named twice"),
        (["a", "b", "--reference", "c"], "--reference c: must be one of a, b"),
        (["--csv", "a.csv"], "--csv and --remote want names"),
        (["a", "workspace", "--repo", "https://example.org/x.git"], "is no folder here"),
    ],
)
def test_bad_command_lines(given: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        compare.arguments(given)


def test_the_reference_is_the_single_prompt_or_the_first() -> None:
    assert compare.arguments([*RECIPES]).reference == "single_prompt"
    assert compare.arguments(["b", "a"]).reference == "b"


def make(folder: Path, *given: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
    """The Makefile's target in `folder`, without the set-up."""
    options = ["-f", str(ROOT / "Makefile"), f"VENV={VENV}", "-o", "setup"]
    return shell(folder, "make", *options, *given, ok=ok)


def test_make_runs_the_recipes_and_compares_them(tmp_path: Path) -> None:
    printed = make(tmp_path, "-n", "ablation").stdout
    for name in RECIPES:
        assert f"dvc exp run --temp --name {name} -S route.recipe={name} " in printed
    assert f"python -m stages.compare {' '.join(RECIPES)} --markdown" in printed
    printed = make(tmp_path, "-n", "ablation-vision").stdout
    assert "--name no_vision -S route.recipe=router_heuristic -S route.weights.vision=0 " in printed
    assert "python -m stages.compare router_heuristic no_vision" in printed


# --- all experiments


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A commit with the project's settings, an experiment of each pack, and one that waits."""
    git(tmp_path, "init", "-q", "-b", "main")
    shell(tmp_path, "dvc", "init", "-q")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    pipeline = {"stages": {"one": {"cmd": "true", "params": ["pack", "route", "finetune"]}},
                "metrics": ["summary.json"]}  # fmt: skip
    (tmp_path / "dvc.yaml").write_text(json.dumps(pipeline), "utf-8")
    (tmp_path / "summary.json").write_text(json.dumps(CREATIVE), "utf-8")
    commit(tmp_path, "all")
    tuned = "-S route.weights.text=0.77 -S finetune.num_train_epochs=7"
    other = "-S pack=data/domains/assistant -S finetune.per_device_train_batch_size=77"
    for name, settings, figures in (
        ("more-text", tuned, CREATIVE | {"F1": 0.991}),
        ("assistant", other, ASSISTANT),
    ):
        (tmp_path / "summary.json").write_text(json.dumps(figures), "utf-8")
        shell(tmp_path, "dvc", "exp", "run", "--name", name, *settings.split())
        git(tmp_path, "checkout", "-q", ".")
    shell(tmp_path, "dvc", "exp", "run", "--queue", "--name", "later", "-S", "route.rows=777")
    return tmp_path


def test_all_experiments_fit_a_screen_with_the_scores_first(
    saved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(saved)
    monkeypatch.setenv("COLUMNS", "300")
    compare.main(["--markdown", "all.md"])
    printed = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in printed) <= 120
    figures, settings = compare.experiments(None)
    scores = ["F1", "CTA", "SS", "ARGUMENT_F1", "EXACT",
              "FUNCTION_ACCURACY", "NO_CALL_ACCURACY", "MISSING_ARGUMENT_ACCURACY"]  # fmt: skip
    others = ["unreadable", "rows", "acceptance", "js_bits", "loss"]
    assert [head.replace("\n", "_") for head in figures.heads] == ["", *scores, *others]
    cells = {row[0]: dict(zip(scores + others, row[1:], strict=True)) for row in figures.rows}
    assert list(cells)[:2] == ["workspace", "main"]
    assert cells["main"]["F1"] == "0.987" and cells["more-text"]["F1"] == "0.991"
    assert cells["assistant"]["FUNCTION_ACCURACY"] == "0.756" and cells["assistant"]["CTA"] == "-"
    assert set(cells["later\n(queued)"].values()) == {"-"}
    assert dict(settings.rows) == {
        "more-text": "route.weights.text=0.77, finetune.num_train_epochs=7",
        "assistant": "pack=data/domains/assistant, finetune.per_device_train_batch_size=77",
        "later": "route.rows=777",
    }
    assert "| more-text | 0.991 | 0.913 |" in (saved / "all.md").read_text("utf-8")


@pytest.mark.parametrize("program", [None, "git", "dvc"])
def test_without_a_commit_there_are_no_experiments(
    program: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if program:
        git(tmp_path, "init", "-q")
    if program == "dvc":
        shell(tmp_path, "dvc", "init", "-q")
    with pytest.raises(InputError, match=f"repository {tmp_path}"):
        compare.main([])


# --- a small repository


TOY = """
import json, os, pathlib, sys
from ruamel.yaml import YAML

recipe = YAML(typ="safe").load(pathlib.Path("params.yaml"))["route"]["recipe"]
with (pathlib.Path(os.environ.get("DVC_ROOT", ".")) / "data/.work/log").open("a") as log:
    log.write(f"{sys.argv[1]} {recipe}\\n")
if os.environ.get("TOY_FAILS") == recipe:
    sys.exit("error: the toy fails")
for name in ("metrics/evaluate", "data/dataset"):
    pathlib.Path(name).mkdir(parents=True, exist_ok=True)
if sys.argv[1] == "validate":
    figures = {"rows": 10, "train": 9, "js_bits": 0.5}
    pathlib.Path("metrics/validate.json").write_text(json.dumps(figures))
    pathlib.Path("data/dataset/rows.json").write_text(recipe)
else:
    from tests_frame import frame

    right = {"heuristic": 2, "single_prompt": 4, "router": 9, "router_heuristic": 12}[recipe]
    outcome = "1" * right + "0" * (12 - right)
    base = frame("0" * 12, "0" * 12, [0.0] * 12, "base")
    tuned = frame(outcome, outcome, [right / 12] * 12)
    base.extend(tuned).write_parquet("metrics/evaluate/answers.parquet")
    pathlib.Path("metrics/evaluate.json").write_text('{"golden": 12}')
"""
PIPELINE = """
stages:
  validate:
    cmd: python toy.py validate
    params: [route]
    outs: [data/dataset]
    metrics:
      - metrics/validate.json: {cache: false}
  evaluate:
    cmd: python toy.py evaluate
    deps: [data/dataset]
    outs: [metrics/evaluate]
    metrics:
      - metrics/evaluate.json: {cache: false}
"""


def git(folder: Path, *given: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return shell(folder, "git", *identity, *given).stdout


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of our shape that takes no time, run once and committed, with two remotes."""
    folder = tmp_path_factory.mktemp("toy")
    repo = folder / "repo"
    repo.mkdir()
    git(folder, "init", "-q", "--bare", "-b", "main", "git")
    git(repo, "init", "-q", "-b", "main")
    shell(repo, "dvc", "init", "-q")
    shutil.copy(ROOT / ".dvc" / "config", repo / ".dvc" / "config")
    shell(repo, "dvc", "remote", "add", "-q", "-d", "store", str(folder / "store"))
    git(repo, "remote", "add", "origin", str(folder / "git"))
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("core", "engines", "evaluation", "formats"):
        shutil.copytree(ROOT / "stages" / name, repo / "stages" / name, ignore=ignore)
    for name in ("stages/__init__.py", "stages/compare.py"):
        shutil.copy(ROOT / name, repo / name)
    source = Path(__file__).read_text("utf-8")
    start, end = source.index("def frame("), source.index("# Six functions")
    names = ("import json", "from typing import Any", "import polars as pl",
             "from stages.core import tables")  # fmt: skip
    imports = "".join(f"{name}\n" for name in names)
    (repo / "tests_frame.py").write_text(imports + source[start:end], "utf-8")
    (repo / "toy.py").write_text(TOY, "utf-8")
    (repo / "dvc.yaml").write_text(PIPELINE, "utf-8")
    weights = "  weights: {vision: 0.2}\n"
    (repo / "params.yaml").write_text(f"route:\n  recipe: router_heuristic\n{weights}", "utf-8")
    (repo / ".gitignore").write_text("__pycache__/\n/data/.work/\n", "utf-8")
    (repo / ".dvcignore").write_text("__pycache__\n", "utf-8")
    (repo / "data/.work").mkdir(parents=True)
    commit(repo, "toy")
    git(repo, "branch", "not_run")
    shell(repo, "dvc", "repro", "-q")
    commit(repo, "run")
    git(repo, "push", "-q", "origin", "main")
    return repo


def log(repo: Path) -> list[str]:
    """What the stages did since the last look: `STAGE RECIPE`."""
    path = repo / "data/.work/log"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    path.write_text("", "utf-8")
    return lines


@pytest.fixture(scope="module")
def ablation(toy: Path) -> Path:
    """`make ablation`, stopped by a file that Git lacks and by a failing recipe; then complete."""
    log(toy)
    with (toy / "params.yaml").open("a", encoding="utf-8") as stream:
        stream.write("# an edit that is not committed\n")

    def state() -> tuple[str, str]:
        return git(toy, "status", "--porcelain"), (toy / "params.yaml").read_text("utf-8")

    before = state()
    (toy / "stages/new.py").touch()
    done = make(toy, "ablation", ok=False)
    assert done.returncode != 0 and "git add them first: stages/new.py" in done.stderr
    (toy / "stages/new.py").unlink()
    assert log(toy) == []

    done = make(toy, "RECIPES=single_prompt router", "TOY_FAILS=router", "ablation", ok=False)
    assert done.returncode != 0 and "error: experiment router failed" in done.stderr
    assert "golden queries" not in done.stdout
    # The scratch is that of the parent repository.
    assert log(toy) == ["validate single_prompt", "evaluate single_prompt", "validate router"]
    assert state() == before

    printed = make(toy, "ablation").stdout
    # single_prompt is made anew from the run cache, router_heuristic is that of the workspace.
    assert log(toy) == [f"{s} {r}" for r in ("heuristic", "router") for s in STAGES]
    assert "12 golden queries" in printed and "+0.667" in printed
    (toy / "metrics/ablation.md").rename(toy.parent / "ablation.md")
    (toy / "metrics/ablation.csv").rename(toy.parent / "ablation.csv")
    assert state() == before
    commit(toy, "compared")
    return toy


@pytest.mark.slow
def test_the_ablation_is_written(ablation: Path) -> None:
    csv = pl.read_csv(ablation.parent / "ablation.csv")
    assert csv["model"].to_list() == ["base (untuned)", *RECIPES]
    assert csv["cta"].to_list() == pytest.approx([0, 2 / 12, 4 / 12, 9 / 12, 1])
    assert csv["trained_on"].to_list() == [None, 9, 9, 9, 9]
    # Eight right in router_heuristic only; the least of 21 p-values of functions and types.
    assert csv["reference_cta_p"][4] == 2 / 2**8
    assert csv["reference_cta_only_here"][4] == 8
    text = (ablation.parent / "ablation.md").read_text("utf-8")
    assert "the family of 21 tests" in text and "| js_bits | 0.5 | 0.5 | 0.5 | 0.5 |" in text


@pytest.mark.slow
def test_revisions_are_read_from_the_remote(
    ablation: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Experiments, a branch, a commit and the workspace; here and by URL; with the cache gone."""
    monkeypatch.chdir(ablation)
    with pytest.raises(InputError, match=r"unknown Git revision 'nosuch'.*dvc exp list"):
        compare.main(["main", "nosuch"])
    with pytest.raises(InputError, match=r"'not_run' has no metrics/evaluate/.*dvc repro"):
        compare.main(["main", "not_run"])

    shell(ablation, "dvc", "exp", "push", "origin", "router", "heuristic")
    shell(ablation, "dvc", "push", "-q")
    kept = ablation.parent / "kept"
    (ablation / ".dvc/cache").rename(kept)
    head = git(ablation, "rev-parse", "HEAD").strip()
    compare.main(["heuristic", "router", "main", "workspace", head])
    with pytest.raises(InputError, match=r"'single_prompt': .* neither the cache nor the remote"):
        compare.main(["heuristic", "single_prompt"])
    with pytest.raises(InputError, match=r"remote 'nowhere' doesn't exist; check --repo and"):
        compare.main(["heuristic", "router", "--remote", "nowhere"])

    monkeypatch.chdir(ablation.parent)
    url = f"file://{ablation.parent / 'git'}"
    out = ablation.parent / "out" / "table.csv"
    compare.main(["router", "heuristic", "main", "--repo", url, "--csv", str(out)])
    assert pl.read_csv(out)["cta"].to_list() == pytest.approx([0, 9 / 12, 2 / 12, 1])
    with pytest.raises(InputError, match=r"unknown Git revision 'nosuch'"):
        compare.main(["main", "nosuch", "--repo", url])
    with pytest.raises(InputError, match=r"nowhere.git.*check --repo"):
        compare.main(["main", "router", "--repo", f"{url}/nowhere.git"])
    assert capsys.readouterr().out.count("12 golden queries") == 2
    shutil.rmtree(ablation / ".dvc/cache", ignore_errors=True)
    kept.rename(ablation / ".dvc/cache")


@pytest.mark.slow
def test_bad_answers_are_named(ablation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ablation)
    path = ablation / "metrics/evaluate/answers.parquet"
    shutil.copy(path, ablation.parent / "kept.parquet")
    path.unlink()  # a link to the cache, maybe
    scored = pl.read_parquet(ablation.parent / "kept.parquet")
    for changed, told in (
        (scored.filter(pl.col("model") == "base"), "holds no tuned model"),
        (scored.drop("metrics"), "breaks the contract Answers"),
        (scored.filter(pl.col("golden_id") > 2), "different golden sets"),
    ):
        changed.write_parquet(path)
        with pytest.raises(InputError, match=told):
            compare.main(["main", "workspace"])
    path.write_text("no parquet", "utf-8")
    with pytest.raises(InputError, match="not readable parquet"):
        compare.main(["main", "workspace"])
    shutil.copy(ablation.parent / "kept.parquet", path)
    kept = (ablation / "metrics/validate.json").read_text("utf-8")
    (ablation / "metrics/validate.json").write_text("{", "utf-8")
    with pytest.raises(InputError, match=r"metrics/validate.json is not valid JSON"):
        compare.main(["main", "workspace"])
    (ablation / "metrics/validate.json").write_text(kept, "utf-8")
